"""Pages into HTML: Jinja2 templates that read `shell` and what the page hands them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.dates import format_datetime, format_skeleton
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ostiary.authenticator.app.views import State
from ostiary.authenticator.app.web.translations import LANGUAGES, Language, catalogue
from ostiary.look import Shelves

STATIC: Final = Path(__file__).parent / "static"
DAY: Final = 86_400_000
DAYS_IN_WORDS: Final = 7
DAYS_WITHOUT_YEAR: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What is around every page. `root`: the secret path that all pages are under, "" where the reader may not know it.
    `state` is None on pages that say nothing of what is kept here."""

    language: Language
    root: str
    path: str
    now: int
    state: State | None
    is_window: bool = False
    """A window of its own that was opened for one question."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something did not work. `field` names the input it concerns, and stands under that."""

    title: str
    next: str
    field: str | None = None


class Renderer:
    """Built once; draws any page in any language we speak."""

    def __init__(self) -> None:
        self._shelves = Shelves(STATIC)
        self._environments = {language.tag: self._environment(language) for language in LANGUAGES.values()}

    def render(self, template: str, shell: Shell, **values: object) -> str:
        return self._environments[shell.language.tag].get_template(template).render(shell=shell, **values)

    def _environment(self, language: Language) -> Environment:
        environment = Environment(
            loader=PackageLoader("ostiary.authenticator.app.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        words = catalogue(language.tag)
        install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined]
        install(words.gettext, words.ngettext, newstyle=True)
        environment.policies["ext.i18n.trimmed"] = True
        environment.globals["static"] = self._shelves.address
        environment.globals["languages"] = tuple(LANGUAGES.values())
        environment.filters["when"] = _when
        environment.filters["exact"] = _exact
        environment.filters["digits"] = digits_in_groups
        return environment


def digits_in_groups(code: str) -> str:
    """`123456` reads as `123 456`."""
    middle = (len(code) + 1) // 2
    return f"{code[:middle]} {code[middle:]}"


# Times. Written in UTC; /static/js/times.js moves them into the reader's own zone.


def _when(at: int, shell: Shell) -> Markup:
    """To the day: "today", "3 days ago", "12 Nov", and exact on hover."""
    words = catalogue(shell.language.tag)
    days = shell.now // DAY - at // DAY
    if days == 0:
        text = words.gettext("today")
    elif days == 1:
        text = words.gettext("yesterday")
    elif 1 < days < DAYS_IN_WORDS:
        text = words.ngettext("%(num)d day ago", "%(num)d days ago", days) % {"num": days}
    else:
        skeleton = "MMMd" if abs(days) < DAYS_WITHOUT_YEAR else "yMMMd"
        text = format_skeleton(skeleton, _datetime(at), locale=shell.language.dates)
    return _time(at, shell, text, "day")


def _exact(at: int, shell: Shell) -> Markup:
    return _time(at, shell, _exactly(at, shell), "exact")


def _time(at: int, shell: Shell, words: str, kind: str) -> Markup:
    iso = _datetime(at).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}" data-when="{}">{}</time>').format(
        iso, _exactly(at, shell), kind, words
    )


def _exactly(at: int, shell: Shell) -> str:
    return format_datetime(_datetime(at), "d MMMM y, HH:mm 'UTC'", locale=shell.language.dates)


def _datetime(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz=UTC)
