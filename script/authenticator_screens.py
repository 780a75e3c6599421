"""Every page and state of the Authenticator's app as contact sheets in docs/screens/: a phone in light, dark and right
to left, and a wide screen.

One column per width and mode, one row per sample of tests/authenticator/app/web/samples.py.
"""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from playwright.sync_api import Browser  # noqa: E402
from script.screens import LONGEST, SCALE, TARGET, Column, contact_sheet  # noqa: E402
from tests.authenticator.app.web.gallery import Gallery  # noqa: E402
from tests.authenticator.app.web.nearby_samples import NEARBY  # noqa: E402
from tests.authenticator.app.web.samples import SAMPLES, Sample  # noqa: E402
from tests.web.gallery import chromium  # noqa: E402

COLUMNS: Final = (
    Column(320, 640, "light", "en"),
    Column(360, 680, "light", "en"),
    Column(360, 680, "dark", "en"),
    Column(360, 680, "light", "ar"),
    Column(1100, 680, "light", "en"),
)
OVERVIEW: Final = (  # for the README: the app at a glance, large enough to read
    ("accounts", Column(360, 720, "light", "en")),
    ("ask: sign in", Column(360, 720, "dark", "en")),
    ("codes", Column(360, 720, "light", "ar")),
)
OVERVIEW_SCALE: Final = 0.75


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        taken = [photograph(browser, column) for column in COLUMNS]
        rows = [(sample.name, [pictures[sample.name] for pictures in taken]) for sample in (*SAMPLES, *NEARBY)]
        write("authenticator", contact_sheet(browser, "authenticator", rows))
        write("authenticator-overview", contact_sheet(browser, None, [("", overview(browser))]))


def photograph(browser: Browser, column: Column) -> dict[str, bytes]:
    gallery = Gallery(browser, width=column.width, height=column.height, scheme=column.scheme, scale=SCALE)
    pictures = {sample.name: photograph_one(gallery, sample, column) for sample in (*SAMPLES, *NEARBY)}
    gallery.close()
    return pictures


def photograph_one(gallery: Gallery, sample: Sample, column: Column) -> bytes:
    """In a window as high as the page: the tabs stay at its foot."""
    page = gallery.show(sample, column.language)
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": column.width, "height": min(height, LONGEST)})
    page.evaluate("scrollTo(0, 0)")
    picture = page.screenshot()
    page.set_viewport_size({"width": column.width, "height": column.height})
    return picture


def overview(browser: Browser) -> list[bytes]:
    samples = {sample.name: sample for sample in SAMPLES}
    pictures = []
    for name, column in OVERVIEW:
        gallery = Gallery(browser, width=column.width, height=column.height, scheme=column.scheme, scale=OVERVIEW_SCALE)
        pictures.append(gallery.show(samples[name], column.language).screenshot())
        gallery.close()
    return pictures


def write(name: str, picture: bytes) -> None:
    (TARGET / f"{name}.png").write_bytes(picture)
    print(f"docs/screens/{name}.png: {len(picture) // 1024} KiB")


if __name__ == "__main__":
    main()
