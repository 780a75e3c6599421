"""Every sample page: drawn whole, with nothing inline, readable by everyone, in every mode."""

import functools
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pytest
from axe_playwright_python.sync_playwright import Axe

from ostiary.look import STATIC as LOOK
from ostiary.look import Shelves
from ostiary.web import pages
from ostiary.web.admin.pages import AdminPage
from ostiary.web.rendering import STATIC
from ostiary.web.translations import Translations
from tests.web.gallery import Gallery, Language, chromium, draw
from tests.web.samples import CONTOSO, LAPTOP, SAMPLES, SECURITY_INFO, Sample

by_name = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_every_page_has_a_sample() -> None:
    assert {type(sample.page) for sample in SAMPLES} >= {*get_args(pages.Page), *get_args(AdminPage)}
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


@by_name
@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_is_inline(sample: Sample, language: Language) -> None:
    elements = Elements(draw(sample, language))
    assert not elements.named("style")
    for tag, attributes in elements.found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not str(attributes.get("href", "")).startswith("javascript:")
    for script in elements.named("script"):
        assert script.get("src") or script.get("type") == "application/json"


@by_name
def test_what_a_page_loads_is_there(sample: Sample) -> None:
    paths = re.findall(r'"/static/([^"?#]+)', draw(sample, "en"))
    assert paths
    assert [path for path in paths if Shelves(STATIC).find(path) is None] == []


@by_name
def test_every_icon_is_in_the_sprite(sample: Sample) -> None:
    sprite = (LOOK / "icons.svg").read_text()
    for name in re.findall(r'icons\.svg[^"#]*#([^"]+)"', draw(sample, "en")):
        assert f'id="{name}"' in sprite


@by_name
def test_at_most_one_place_for_a_problem(sample: Sample) -> None:
    elements = Elements(draw(sample, "en"))
    assert len([attributes for _, attributes in elements.found if "data-problem" in attributes]) <= 1
    identifiers = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_names_are_text_not_markup() -> None:
    hostile = "<script>alert(1)</script>\"'"
    method = replace(LAPTOP, name=hostile, provider=hostile, last_used_where=hostile)
    page = replace(SECURITY_INFO, methods=(method,), accepted={"displayName": hostile})
    viewer = pages.Viewer(username=hostile, display_name=hostile)
    branding = replace(CONTOSO, name=hostile, helpdesk=hostile)
    html = draw(Sample("hostile", "security-info", page, viewer=viewer, branding=branding), "en")
    assert "<script>alert" not in html
    assert "&amp;lt;" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


# --- In a browser ------------------------------------------------------------------------------------------------


def in_own_thread(test: Callable[..., None]) -> Callable[..., None]:
    """Playwright holds one event loop per thread, and another module's browser may hold this one's."""

    @functools.wraps(test)
    def run(*arguments: object, **named: object) -> None:
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(test, *arguments, **named).result()

    return run


AXE = Axe().axe_script
RUN_AXE = """options => axe.run({resultTypes: ["violations"], ...options}).then(({violations}) => violations.map(
  v => `${v.id}: ${v.nodes.map(n => `${n.html} ${n.failureSummary}`).join("; ")}`))"""
STRUCTURE = {"rules": {"color-contrast": {"enabled": False}}}
COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}

TARGETS = ".button, .input, .choice, .icon-button, .back, summary, .foot a, .foot button, .tick"
TOO_SMALL = """all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map(e => `${e.tagName} ${e.className}`)"""
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "ar"])
@in_own_thread
def test_everyone_can_read_and_reach_everything(language: Language) -> None:
    """axe in light and dark, targets the size of a thumb, and no scrolling sideways at 320 px."""
    found: list[str] = []
    with chromium() as browser:
        gallery = Gallery(browser, width=320, height=640, scheme="light")
        for sample in SAMPLES:
            page = gallery.show(sample, language)
            page.evaluate(AXE)
            faults: list[str] = [*page.evaluate(RUN_AXE, STRUCTURE), *page.evaluate(RUN_AXE, COLOUR)]
            faults += page.eval_on_selector_all(TARGETS, TOO_SMALL)
            if page.evaluate(TOO_WIDE):
                faults.append("scrolls sideways")
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            faults += page.evaluate(RUN_AXE, COLOUR)
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            found += [f"{sample.name}: {fault}" for fault in faults]
        assert found == []
        assert gallery.problems == []


@pytest.mark.browser
@in_own_thread
def test_wide_pages_pass_too() -> None:
    """What only a wide window shows: the organisation's colour beside sign-in, the drawn sheet beside the steps."""
    with chromium() as browser:
        gallery = Gallery(browser, width=1280, scheme="dark")
        for name in ("identify", "security info", "phone"):
            page = gallery.show(next(sample for sample in SAMPLES if sample.name == name))
            page.evaluate(AXE)
            assert page.evaluate(RUN_AXE, {}) == [], name


@pytest.mark.browser
@in_own_thread
def test_pages_hold_at_twice_the_text_size_and_in_forced_colours() -> None:
    with chromium() as browser:
        gallery = Gallery(browser, width=640, scheme="light")
        gallery.page.emulate_media(forced_colors="active")
        for name in ("identify", "security info", "phone"):
            page = gallery.show(next(sample for sample in SAMPLES if sample.name == name))
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert not page.evaluate(TOO_WIDE), name


def test_languages_are_negotiated() -> None:
    speaks = Translations.load()
    assert speaks.negotiate("ar-EG,ar;q=0.9,en;q=0.8") == "ar"
    assert speaks.negotiate("de-DE,de;q=0.9,en;q=0.5,ar;q=0.7") == "ar"
    assert speaks.negotiate("de") == "en"
    assert speaks.negotiate("") == "en"
    assert speaks.negotiate("ar;q=nonsense, ;;;,*") == "en"
    assert speaks.negotiate("ar;q=0") == "en"
    assert speaks.negotiate("ar", "en") == "en"
    assert speaks.negotiate("en", "xx") == "en"
    assert speaks.direction("ar") == "rtl"
    assert speaks.direction("en") == "ltr"
