"""Pages into HTML: Jinja2 templates that read `page` and `shell`, nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from babel.dates import format_datetime, format_skeleton
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ostiary.look import Shelves
from ostiary.web.pages import Drawable, Shell
from ostiary.web.translations import Translations

STATIC: Final = Path(__file__).parent / "static"
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
DAYS_IN_WORDS: Final = 7
DAYS_WITHOUT_YEAR: Final = 300


class Renderer:
    """Built once; draws any page in any language we speak. `debug` looks at the files again on every page."""

    def __init__(self, translations: Translations, debug: bool = False) -> None:
        self._translations = translations
        self._debug = debug
        self._shelves = Shelves(STATIC, debug=debug)
        self._environments = {tag: self._environment(tag) for tag, _ in translations.languages}

    def render(self, page: Drawable, shell: Shell) -> str:
        language = self._translations.language(shell.language)
        return self._environments[language.tag].get_template(page.template).render(page=page, shell=shell)

    def draw(self, template: str, language: str, **values: object) -> str:
        """What is not a page: a mail."""
        tag = self._translations.language(language).tag
        return self._environments[tag].get_template(template).render(**values)

    def static(self, path: str) -> str:
        """`/static/css/base.css?v=...`"""
        return self._shelves.address(path)

    def _environment(self, tag: str) -> Environment:
        environment = Environment(
            loader=PackageLoader("ostiary.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=self._debug,
            extensions=["jinja2.ext.i18n"],
        )
        catalogue = self._translations.catalogue(tag)
        install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined]
        install(catalogue.gettext, catalogue.ngettext, newstyle=True)
        environment.policies["ext.i18n.trimmed"] = True
        environment.globals["static"] = self.static
        environment.filters["when"] = self._when
        environment.filters["ago"] = self._ago
        environment.filters["exact"] = self._exact
        return environment

    # Times. Written in UTC; /static/js/times.js moves them into the reader's own zone.

    def _when(self, at: int, shell: Shell) -> Markup:
        """To the day: "today", "3 days ago", "12 Nov", and exact on hover."""
        return self._time(at, shell, self._day_in_words(at, shell), "day")

    def _ago(self, at: int, shell: Shell) -> Markup:
        """To the minute while it is fresh: "just now", "5 minutes ago", "2 hours ago", then as `when`."""
        passed = shell.now - at
        if passed >= DAY:
            return self._when(at, shell)
        return self._time(at, shell, self._hours_in_words(passed, shell), "ago")

    def _exact(self, at: int, shell: Shell) -> Markup:
        """ "12 November 2026, 14:02 UTC"."""
        return self._time(at, shell, self._exactly(at, shell), "exact")

    def _time(self, at: int, shell: Shell, words: str, kind: Literal["day", "ago", "exact"]) -> Markup:
        iso = _datetime(at).isoformat(timespec="seconds").replace("+00:00", "Z")
        return Markup('<time datetime="{}" title="{}" data-when="{}">{}</time>').format(
            iso, self._exactly(at, shell), kind, words
        )

    def _hours_in_words(self, passed: int, shell: Shell) -> str:
        catalogue = self._translations.catalogue(shell.language)
        gettext, ngettext = catalogue.gettext, catalogue.ngettext
        if passed < MINUTE:
            return gettext("just now")
        if passed < HOUR:
            minutes = passed // MINUTE
            return ngettext("%(num)d minute ago", "%(num)d minutes ago", minutes) % {"num": minutes}
        hours = passed // HOUR
        return ngettext("%(num)d hour ago", "%(num)d hours ago", hours) % {"num": hours}

    def _day_in_words(self, at: int, shell: Shell) -> str:
        catalogue = self._translations.catalogue(shell.language)
        gettext, ngettext = catalogue.gettext, catalogue.ngettext
        days = shell.now // DAY - at // DAY
        if days == 0:
            return gettext("today")
        if days == 1:
            return gettext("yesterday")
        if 1 < days < DAYS_IN_WORDS:
            return ngettext("%(num)d day ago", "%(num)d days ago", days) % {"num": days}
        skeleton = "MMMd" if abs(days) < DAYS_WITHOUT_YEAR else "yMMMd"
        return format_skeleton(skeleton, _datetime(at), locale=self._translations.language(shell.language).dates)

    def _exactly(self, at: int, shell: Shell) -> str:
        locale = self._translations.language(shell.language).dates
        return format_datetime(_datetime(at), "d MMMM y, HH:mm 'UTC'", locale=locale)


def _datetime(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz=UTC)
