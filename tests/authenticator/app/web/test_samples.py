"""Every page and state: no violation of axe, nothing wider than a small phone, nothing inline, all icons there."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ostiary.authenticator.app.web.rendering import STATIC
from ostiary.look import STATIC as LOOK
from ostiary.look import Shelves
from tests.authenticator.app.web.gallery import Gallery, Scheme, draw
from tests.authenticator.app.web.nearby_samples import NEARBY
from tests.authenticator.app.web.samples import SAMPLES, Sample

by_name = pytest.mark.parametrize("sample", (*SAMPLES, *NEARBY), ids=lambda sample: sample.name)


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


@by_name
@pytest.mark.parametrize("tag", ["en", "ar"])
def test_nothing_is_inline(sample: Sample, tag: str) -> None:
    for name, attributes in Elements(draw(sample, tag)).found:
        assert name != "style" and "style" not in attributes
        assert not [each for each in attributes if each.startswith("on")]
        assert name != "script" or attributes.get("src")
        assert not str(attributes.get("href", "")).startswith("javascript:")


@by_name
def test_what_a_page_loads_is_there(sample: Sample) -> None:
    drawn = draw(sample)
    paths = re.findall(r'"/static/([^"?#]+)', drawn)
    assert paths and [path for path in paths if Shelves(STATIC).find(path) is None] == []
    sprite = (LOOK / "icons.svg").read_text()
    for name in re.findall(r'icons\.svg[^"#]*#([^"]+)"', drawn):
        assert f'id="{name}"' in sprite


@by_name
def test_ids_are_used_once(sample: Sample) -> None:
    ids = [attributes["id"] for _, attributes in Elements(draw(sample)).found if "id" in attributes]
    assert len(ids) == len(set(ids))


@by_name
def test_every_form_stays_within_the_secret_path(sample: Sample) -> None:
    for name, attributes in Elements(draw(sample)).found:
        if name == "form":
            assert attributes.get("method") == "post"
            assert str(attributes.get("action", "/root/")).startswith(("/root/", "/language"))


MODES: list[tuple[int, Scheme, str]] = [
    (320, "light", "en"),
    (320, "dark", "ar"),
    (400, "dark", "en"),
    (400, "light", "ar"),
    (1100, "light", "en"),
]


@pytest.fixture(scope="module", params=MODES, ids=lambda mode: "-".join(map(str, mode)))
def gallery(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Gallery, str]]:
    width, scheme, tag = request.param
    gallery = Gallery(browser, width=width, scheme=scheme)
    yield gallery, tag
    gallery.close()


@pytest.mark.browser
@by_name
def test_axe_finds_nothing_and_nothing_scrolls_sideways(gallery: tuple[Gallery, str], sample: Sample) -> None:
    shown, tag = gallery
    page = shown.show(sample, tag)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    assert shown.problems == []
