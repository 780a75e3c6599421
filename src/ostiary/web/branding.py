"""An organisation's accent, corrected until it can be read: never trusted as given.

Lightness moves in OKLCH, where hue stays what it looks like; chroma gives way only where sRGB has no such colour.
Contrast is WCAG 2's ratio. Pure functions.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MINIMUM_CONTRAST: Final = 4.5
PANEL_CONTRAST: Final = 7.0
LIGHT_GROUNDS: Final = ("#ffffff", "#f5f7f9")  # --surface and --page of tokens.css
DARK_GROUNDS: Final = ("#192024", "#23292e")  # --surface and --raised
SOFT_LIGHT: Final = 0.09  # share of accent in --accent-soft
SOFT_DARK: Final = 0.14
WHITE: Final = "#ffffff"
INK: Final = "#0b1418"
STEP: Final = 0.005

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Accent:
    """One accent in its three places, each with the text that stands upon it. All `#rrggbb`."""

    light: str
    light_text: str
    dark: str
    dark_text: str
    panel: str
    panel_text: str


def correct(colour: str) -> Accent:
    """The nearest lightnesses of `#rrggbb` that can be read in light mode, in dark mode and under the panel's text.

    Raises ValueError for what is not such a colour.
    """
    light = _moved(colour, -STEP, lambda c: _is_readable(c, LIGHT_GROUNDS, SOFT_LIGHT))
    dark = _moved(colour, STEP, lambda c: _is_readable(c, DARK_GROUNDS, SOFT_DARK))
    panel = _moved(light, -STEP, lambda c: contrast(c, WHITE) >= PANEL_CONTRAST)
    return Accent(light, _text_upon(light), dark, _text_upon(dark), panel, WHITE)


def stylesheet(accent: str | None) -> str:
    """What `/branding/{key}.css` says. Without an accent: nothing, and the one in tokens.css stands."""
    if accent is None:
        return ""
    checked = correct(accent)
    return (
        ":root {\n"
        f"  --accent-light: {checked.light};\n"
        f"  --accent-light-text: {checked.light_text};\n"
        f"  --accent-dark: {checked.dark};\n"
        f"  --accent-dark-text: {checked.dark_text};\n"
        f"  --accent-panel: {checked.panel};\n"
        f"  --accent-panel-text: {checked.panel_text};\n"
        "}\n"
    )


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio, 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _moved(colour: str, step: float, is_good: Callable[[str], bool]) -> str:
    """`colour`, its lightness moved in steps until it is good. Black or white at the end always is."""
    lightness, chroma, hue = _oklch(colour)
    candidate = colour.lower()
    while not is_good(candidate) and 0 <= lightness <= 1:
        lightness += step
        candidate = _in_gamut(lightness, chroma, hue)
    return candidate


def _is_readable(colour: str, grounds: tuple[str, ...], share: float) -> bool:
    soft = _mixed(colour, grounds[0], share)
    if contrast(colour, _text_upon(colour)) < MINIMUM_CONTRAST:
        return False
    return all(contrast(colour, ground) >= MINIMUM_CONTRAST for ground in (*grounds, soft))


def _text_upon(colour: str) -> str:
    return max((WHITE, INK), key=lambda text: contrast(colour, text))


def _mixed(colour: str, ground: str, share: float) -> str:
    """CSS's `color-mix(in oklab, colour share, ground)`."""
    lightness, a, b = (share * c + (1 - share) * g for c, g in zip(_oklab(colour), _oklab(ground), strict=True))
    return _hex(_linear_of_oklab((lightness, a, b)))


# --- sRGB and OKLCH ---------------------------------------------------------------------------------------------


def _linear(colour: str) -> Triple:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError("not a colour of the form #rrggbb")
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _to_linear(red), _to_linear(green), _to_linear(blue)


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _from_linear(channel: float) -> float:
    channel = min(max(channel, 0.0), 1.0)
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _hex(linear: Triple) -> str:
    return "#" + "".join(f"{round(_from_linear(channel) * 255):02x}" for channel in linear)


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklab(colour: str) -> Triple:
    r, g, b = _linear(colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _linear_of_oklab(lab: Triple) -> Triple:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _oklch(colour: str) -> Triple:
    lightness, a, b = _oklab(colour)
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _in_gamut(lightness: float, chroma: float, hue: float) -> str:
    """The colour, with as much of its chroma as sRGB can show at this lightness."""
    lightness = min(max(lightness, 0.0), 1.0)
    low, high = 0.0, chroma
    for _ in range(16):
        if _is_shown(_linear_of_oklab((lightness, high * math.cos(hue), high * math.sin(hue)))):
            break
        middle = (low + high) / 2
        if _is_shown(_linear_of_oklab((lightness, middle * math.cos(hue), middle * math.sin(hue)))):
            low = middle
        else:
            high = middle
    else:
        high = low
    return _hex(_linear_of_oklab((lightness, high * math.cos(hue), high * math.sin(hue))))


def _is_shown(linear: Triple) -> bool:
    return all(-0.0005 <= channel <= 1.0005 for channel in linear)
