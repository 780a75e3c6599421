"""Every page and state as contact sheets in docs/screens/: three widths, light, dark and right to left.

One column per width and mode, one row per sample of tests/web/samples.py.
"""

import base64
import html
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.web.gallery import Gallery, Language, Scheme, chromium  # noqa: E402
from tests.web.samples import SAMPLES, Sample  # noqa: E402

TARGET: Final = ROOT / "docs" / "screens"
SCALE: Final = 0.3
LONGEST: Final = 960  # of a page, in CSS pixels; what is further down repeats what is above


@dataclass(frozen=True, slots=True)
class Column:
    width: int
    height: int
    scheme: Scheme
    language: Language


SIZES: Final = ((360, 680), (768, 680), (1280, 680))
MODES: Final[tuple[tuple[Scheme, Language], ...]] = (("light", "en"), ("dark", "en"), ("light", "ar"))
COLUMNS: Final = tuple(Column(*size, *mode) for size in SIZES for mode in MODES)

FEWER: Final = {
    # by far the most pages: both directions on a phone, light and dark on a wide screen
    "admin": (
        Column(360, 680, "light", "en"),
        Column(360, 680, "light", "ar"),
        Column(1280, 680, "light", "en"),
        Column(1280, 680, "dark", "en"),
    )
}
OVERVIEW: Final = (  # the README's picture: the product at a glance, large enough to read
    ("passkey", Column(360, 720, "dark", "en")),
    ("security info", Column(1000, 720, "light", "en")),
    ("added, named", Column(360, 720, "light", "ar")),
)
OVERVIEW_SCALE: Final = 0.75

SHEET: Final = """<!doctype html><meta charset="utf-8"><style>
body {{ width: max-content; margin: 0; padding: 24px; background: #8b959c; font: 600 15px/1.4 sans-serif }}
h1 {{ margin: 0 0 16px; font-size: 22px }}
h2 {{ margin: 0; padding: 18px 0 6px; font-size: 15px }}
div {{ display: flex; gap: 12px; align-items: start }}
</style>{heading}{rows}"""


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        taken = {column: photograph(browser, column) for column in COLUMNS}
        for area in dict.fromkeys(sample.area for sample in SAMPLES):
            rows = [
                (sample.name, [taken[column][sample.name] for column in FEWER.get(area, COLUMNS)])
                for sample in SAMPLES
                if sample.area == area
            ]
            picture = contact_sheet(browser, area, rows)
            (TARGET / f"{area}.png").write_bytes(picture)
            print(f"docs/screens/{area}.png: {len(picture) // 1024} KiB")
        (TARGET / "overview.png").write_bytes(overview(browser))


def overview(browser: Browser) -> bytes:
    samples = {sample.name: sample for sample in SAMPLES}
    pictures = []
    for name, column in OVERVIEW:
        gallery = Gallery(browser, width=column.width, height=column.height, scheme=column.scheme, scale=OVERVIEW_SCALE)
        pictures.append(gallery.show(samples[name], column.language).screenshot())
        gallery.close()
    return contact_sheet(browser, None, [("", pictures)])


def photograph(browser: Browser, column: Column) -> dict[str, bytes]:
    gallery = Gallery(browser, width=column.width, height=column.height, scheme=column.scheme, scale=SCALE)
    pictures = {sample.name: photograph_one(gallery, sample, column) for sample in SAMPLES}
    gallery.close()
    return pictures


def photograph_one(gallery: Gallery, sample: Sample, column: Column) -> bytes:
    page = gallery.show(sample, column.language)
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), LONGEST)
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": column.width, "height": height})


def contact_sheet(browser: Browser, title: str | None, rows: list[tuple[str, list[bytes]]]) -> bytes:
    page = browser.new_page(viewport={"width": 100, "height": 100})
    heading = f"<h1>{html.escape(title)}</h1>" if title else ""
    page.set_content(SHEET.format(heading=heading, rows="".join(row(*pair) for pair in rows)))
    page.wait_for_function("[...document.images].every(image => image.complete)")
    picture = page.locator("body").screenshot()
    page.close()
    return picture


def row(name: str, pictures: list[bytes]) -> str:
    images = "".join(f'<img alt="" src="data:image/png;base64,{base64.b64encode(each).decode()}">' for each in pictures)
    heading = f"<h2>{html.escape(name)}</h2>" if name else ""
    return f"{heading}<div>{images}</div>"


if __name__ == "__main__":
    main()
