"""The page of reasons says what the server says, and leaves no cause of the guide's without one."""

from script.reasons import CAUSES, PAGE, page

from ostiary.web.wording import wording_of


def test_the_page_is_what_the_wording_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python script/reasons.py"


def test_every_cause_leads_to_reasons_with_words() -> None:
    for cause, codes in CAUSES.items():
        assert codes, cause
        assert all(wording_of(code) for code in codes), cause
