"""Times in words, versions of static files, and a catalogue's faults."""

import gettext
import re

import pytest
from markupsafe import Markup

from ostiary.web.rendering import Renderer
from ostiary.web.translations import Translations
from tests.web.samples import DAY, HOUR, MINUTE, NOW, shell


class Shouting(gettext.NullTranslations):
    """Stands for Arabic: what is translated is in capitals."""

    def gettext(self, message: str) -> str:
        return message.upper()


RENDERER = Renderer(Translations({"ar": Shouting()}))


def words(filter_name: str, at: int, language: str = "en") -> str:
    environment = RENDERER._environments[language]
    template = environment.from_string("{{ at|" + filter_name + "(shell) }}")
    return Markup(template.render(at=at, shell=shell(language=language))).striptags()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (0, "today"),
        (14 * HOUR, "today"),
        (15 * HOUR, "yesterday"),
        (2 * DAY, "2 days ago"),
        (6 * DAY, "6 days ago"),
        (8 * DAY, "12 Nov"),
        (410 * DAY, "6 Oct 2025"),
        (-2 * DAY, "22 Nov"),
    ],
)
def test_days_as_people_say_them(before: int, said: str) -> None:
    assert words("when", NOW - before) == said


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (0, "just now"),
        (-5, "just now"),
        (MINUTE, "1 minute ago"),
        (59 * MINUTE, "59 minutes ago"),
        (HOUR, "1 hour ago"),
        (23 * HOUR, "23 hours ago"),
        (24 * HOUR, "yesterday"),
    ],
)
def test_hours_while_they_are_fresh(before: int, said: str) -> None:
    assert words("ago", NOW - before) == said


def test_the_exact_time_is_there_for_the_hand_and_for_the_script() -> None:
    template = RENDERER._environments["en"].from_string("{{ at|when(shell) }}")
    html = template.render(at=NOW, shell=shell())
    assert html == (
        '<time datetime="2026-11-20T14:03:00Z" title="20 November 2026, 14:03 UTC" data-when="day">today</time>'
    )


def test_words_and_dates_are_in_the_reader_s_language() -> None:
    assert words("when", NOW, "ar") == "TODAY"
    assert re.search("[\u0600-\u06ff]", words("when", NOW - 8 * DAY, "ar"))


def test_a_static_file_s_address_carries_its_content() -> None:
    assert re.fullmatch(r"/static/css/base\.css\?v=[0-9a-f]{12}", RENDERER.static("css/base.css"))
    assert RENDERER.static("css/none.css") == "/static/css/none.css"


def test_an_unknown_language_is_spoken_to_in_english() -> None:
    speaks = Translations({})
    assert speaks.languages == (("en", "English"),)
    assert speaks.gettext("xx", "Sign in") == "Sign in"
    assert speaks.gettext("en", "") == ""
    assert speaks.ngettext("en", "one", "many", 2) == "many"
