"""How often somebody may try, and that strangers cannot lock anybody out."""

import pytest

from ostiary.clock import MINUTE
from ostiary.identity import limits
from ostiary.identity.caller import Caller
from ostiary.identity.limits import Limit
from ostiary.storage.database import Transaction
from tests.organisation import HOME, PASSWORD, Browser, Organisation, open_organisation
from tests.server.reading import problem_of, says
from tests.software_authenticator import SoftwareAuthenticator

WRONG = "wrong-password-here"


def _fail(browser: Browser, times: int, username: str = "ada") -> None:
    browser.type_username(username)
    for _ in range(times):
        assert browser.type_password(WRONG).status_code == 401


def _is_refused(browser: Browser, username: str = "ada") -> bool:
    """Whether even the right password is not heard."""
    browser.type_username(username)
    page = browser.type_password()
    return page.status_code == 429 and says(page, "too_many_attempts")


def _fill(tx: Transaction, limit: Limit, address: str, times: int, now: int) -> None:
    for _ in range(times):
        limits.charge(tx, limit, limits.network(Caller(address, "")), now=now)


def test_refuses_the_eleventh_password(org: Organisation) -> None:
    _fail(org.browser(), 10)
    assert _is_refused(org.browser("203.0.113.9"))


def test_refuses_the_eleventh_password_for_a_stranger_too(org: Organisation) -> None:
    _fail(org.browser(), 10, "nobody")
    assert _is_refused(org.browser(), "nobody")


def test_nine_failures_are_forgiven_by_the_right_password(org: Organisation) -> None:
    _fail(org.browser(), 9)
    org.signed_in()
    _fail(org.browser(), 10)


def test_the_window_ends(org: Organisation) -> None:
    _fail(org.browser(), 10)
    org.clock.advance(15 * MINUTE - 1)
    assert _is_refused(org.browser())
    org.clock.advance(1)
    assert org.browser().sign_in().headers["location"] == "/security-info"


def test_strangers_do_not_lock_out_a_known_browser(org: Organisation, ada: Browser) -> None:
    ada.post("/sign-out")
    _fail(org.browser(), 10)
    assert ada.sign_in().headers["location"] == "/security-info"
    assert _is_refused(org.browser())  # and her success does not help the stranger


def test_refuses_the_eleventh_password_from_a_known_browser(org: Organisation, ada: Browser) -> None:
    ada.post("/sign-out")
    _fail(ada, 10)
    assert _is_refused(ada)
    assert org.browser().sign_in().headers["location"] == "/security-info"


def test_a_browser_known_to_one_is_a_stranger_to_another(org: Organisation, ada: Browser) -> None:
    ada.post("/sign-out")
    _fail(org.browser(), 10, "grace")
    assert _is_refused(ada, "grace")


def test_strangers_do_not_lock_out_a_passkey(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    _fail(org.browser(), 10)
    assert org.browser().sign_in_with(laptop, "ada").status_code == 200


def test_refuses_the_sixth_code(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    for _ in range(5):
        assert browser.type_code("000000").status_code == 401
    page = browser.type_code()
    assert (page.status_code, says(page, "too_many_attempts")) == (429, True)
    org.clock.advance(5 * MINUTE)
    assert browser.type_code().headers["location"] == "/security-info"


def test_refuses_an_address_that_tries_many_accounts(org: Organisation) -> None:
    org.administer(_fill, limits.FAILURES_PER_ADDRESS, HOME, 99, org.clock())
    _fail(org.browser(), 1, "nobody")
    assert _is_refused(org.browser())
    assert org.browser("203.0.113.9").sign_in().headers["location"] == "/security-info"
    org.clock.advance(15 * MINUTE)
    assert not _is_refused(org.browser())


def test_the_right_password_does_not_count_against_its_address(org: Organisation) -> None:
    org.administer(_fill, limits.FAILURES_PER_ADDRESS, HOME, 99, org.clock())
    for username in ("ada", "grace", "admin"):
        assert org.browser().sign_in(username).headers["location"] == "/security-info"


@pytest.mark.parametrize(
    ("address", "is_same"),
    [("2001:db8::ffff:1", True), ("2001:db8:0:0:8000::", True), ("2001:db8:0:1::1", False)],
)
def test_an_ipv6_network_is_one_address(org: Organisation, address: str, is_same: bool) -> None:
    org.administer(_fill, limits.FAILURES_PER_ADDRESS, "2001:db8::1", 100, org.clock())
    assert _is_refused(org.browser(address)) is is_same


def test_counts_survive_a_restart(org: Organisation) -> None:
    _fail(org.browser(), 10)
    with open_organisation(org.directory, clock=org.clock) as restarted:
        assert _is_refused(restarted.browser())


def test_an_address_cannot_fill_the_log(org: Organisation) -> None:
    org.administer(_fill, limits.RECORDS_PER_ADDRESS, HOME, limits.RECORDS_PER_ADDRESS.most - 1, org.clock())
    before = len(org.events())
    browser = org.browser()
    answers = [browser.send("/sign-in/passkey", {}) for _ in range(3)]
    references = [problem_of(answer, 400, "malformed_response")["reference"] for answer in answers]
    assert references[0] is not None
    assert references[1:] == [None, None]
    assert len(org.events()) == before + 1
    assert org.browser("203.0.113.9").send("/sign-in/passkey", {}).json()["reference"] is not None


def test_what_is_tried_is_not_kept(org: Organisation) -> None:
    """People type passwords into the field for usernames."""
    browser = org.browser()
    browser.type_username(PASSWORD)
    browser.type_password(PASSWORD + "!")
    kept = repr(org.events())
    assert PASSWORD not in kept
