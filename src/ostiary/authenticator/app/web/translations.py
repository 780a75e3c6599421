"""Languages of the app: catalogues read straight from their .po files, and which one a reader gets."""

import gettext
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ostiary.authenticator.app.phrases import N_, Phrase

__all__ = ["LANGUAGES", "N_", "Language", "catalogue", "negotiate", "translate"]

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "authenticator"
SOURCE: Final = "en"
LONGEST_ACCEPT_LANGUAGE: Final = 256


@dataclass(frozen=True, slots=True)
class Language:
    """`own_name` is what its readers call it; `dates` the Babel locale that writes its dates."""

    tag: str
    own_name: str
    direction: Literal["ltr", "rtl"]
    dates: str


LANGUAGES: Final = {
    "en": Language("en", "English", "ltr", "en_GB"),
    "ar": Language("ar", "العربية", "rtl", "ar"),
}


def catalogue_path(tag: str) -> Path:
    return LOCALE / tag / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def catalogue(tag: str) -> gettext.NullTranslations:
    """English is the source and needs none."""
    if tag == SOURCE:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with catalogue_path(tag).open("rb") as source:
        write_mo(compiled, read_po(source, locale=tag, domain=DOMAIN))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(language: Language, message: str) -> str:
    if isinstance(message, Phrase):
        return catalogue(language.tag).gettext(message.message) % message.values
    # The empty message is the catalogue's own header, never something to show.
    return catalogue(language.tag).gettext(message) if message else ""


def negotiate(accept_language: str, chosen: str | None = None) -> Language:
    """What was chosen, else the best of what the browser asks for, else English."""
    if chosen in LANGUAGES:
        return LANGUAGES[chosen]
    wanted = [tag for tag, _ in sorted(_weighed(accept_language), key=lambda pair: -pair[1])]
    return LANGUAGES[negotiate_locale(wanted, list(LANGUAGES), sep="-") or SOURCE]


def _weighed(accept_language: str) -> list[tuple[str, float]]:
    """RFC 9110 §12.5.4. What cannot be read, or is refused (weight 0), is left out."""
    found = []
    for part in accept_language[:LONGEST_ACCEPT_LANGUAGE].split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if tag and 0 < weight <= 1:
            found.append((tag.strip().lower(), weight))
    return found
