"""Languages: catalogues read straight from their .po files, and which one a reader gets.

Mark what people read with `_` (or `gettext`, `ngettext`) where it is translated on the spot, and with `N_` where it is
only written down and translated later, by the face that knows the reader's language.
"""

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "ostiary"

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class Language:
    """`own_name` is what its readers call it; `dates` the Babel locale that writes its dates."""

    tag: str
    own_name: str
    direction: Direction
    dates: str


LANGUAGES: Final[tuple[Language, ...]] = (
    Language("en", "English", "ltr", "en_GB"),
    Language("ar", "العربية", "rtl", "ar"),
)
SOURCE: Final = "en"
LONGEST_ACCEPT_LANGUAGE: Final = 256


def N_(message: str) -> str:
    """Mark a message for the catalogue without translating it."""
    return message


def catalogue_path(tag: str, directory: Path = LOCALE) -> Path:
    return directory / tag / "LC_MESSAGES" / f"{DOMAIN}.po"


class Translations:
    """Every catalogue, loaded once. English is the source and needs none."""

    def __init__(self, catalogues: Mapping[str, gettext.NullTranslations]) -> None:
        self._catalogues = {SOURCE: gettext.NullTranslations(), **catalogues}
        self._languages = {language.tag: language for language in LANGUAGES if language.tag in self._catalogues}

    @classmethod
    def load(cls, directory: Path = LOCALE) -> "Translations":
        """Read the catalogue of every language we speak; a language without one is not offered."""
        paths = {language.tag: catalogue_path(language.tag, directory) for language in LANGUAGES}
        return cls({tag: _read(path, tag) for tag, path in paths.items() if tag != SOURCE and path.exists()})

    @property
    def languages(self) -> tuple[tuple[str, str], ...]:
        """(tag, its own name) of each, for the language switcher."""
        return tuple((language.tag, language.own_name) for language in self._languages.values())

    def language(self, tag: str) -> Language:
        return self._languages.get(tag) or self._languages[SOURCE]

    def direction(self, tag: str) -> Direction:
        return self.language(tag).direction

    def catalogue(self, tag: str) -> gettext.NullTranslations:
        return self._catalogues.get(tag) or self._catalogues[SOURCE]

    def gettext(self, tag: str, message: str) -> str:
        # The empty message is the catalogue's own header, never something to show.
        return self.catalogue(tag).gettext(message) if message else ""

    def ngettext(self, tag: str, singular: str, plural: str, number: int) -> str:
        return self.catalogue(tag).ngettext(singular, plural, number)

    def negotiate(self, accept_language: str, chosen: str | None = None) -> str:
        """The tag to speak: what was chosen, else the best of what the browser asks for, else English."""
        if chosen in self._languages:
            return chosen
        for wanted in _by_preference(accept_language[:LONGEST_ACCEPT_LANGUAGE]):
            if wanted in self._languages:
                return wanted
            primary = wanted.partition("-")[0]
            if primary in self._languages:
                return primary
        return SOURCE


def _read(path: Path, tag: str) -> gettext.NullTranslations:
    with path.open("rb") as source:
        catalogue = read_po(source, locale=tag, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _by_preference(accept_language: str) -> list[str]:
    """Tags in falling order of weight; what cannot be read or is refused (weight 0) is left out."""
    weighed: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if tag and 0 < weight <= 1:
            weighed.append((weight, tag.strip().lower()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]
