"""A sign-in approved, or not, by the Ostiary Authenticator after a password."""

import threading
from typing import Any

import pytest

from ostiary.clock import HOUR, MINUTE, SECOND
from ostiary.storage import approvals, audit, methods, outbox
from tests.organisation import Organisation
from tests.server.approvals.owners import Owner, go_on, number_on, owner, person_of, tells, with_device

__all__ = ["owner"]


def wrong(number: str) -> str:
    return "10" if number != "10" else "11"


def events_of(org: Organisation, username: str) -> list[tuple[str, str | None]]:
    with org.database.transaction() as tx:
        person = person_of(tx, username)
        return [(one.event, one.reason) for one in audit.newest_events_of(tx, person.id, limit=50)]


def test_a_password_and_an_approval_sign_in(org_on_each: Organisation) -> None:
    org_on_each.add_person("lin", with_code=False)
    owner = with_device(org_on_each, "lin")
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        approval = connection.receive()
        assert connection.answer(approval, number) == "approved"
        assert go_on(browser).headers["location"] == "/security-info"
        assert browser.get("/security-info").status_code == 200


def test_the_app_is_told_who_asks_from_where_and_never_the_number(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        browser.get("/sign-in")
        approval = connection.receive()
    assert approval["username"] == "lin@contoso.example"
    assert approval["app"] == "Contoso"
    assert approval["client"] == "Chrome on Windows"
    assert approval["address"] == browser.address
    assert approval["place"] is None
    assert approval["is_passwordless"] is False
    assert approval["expires_at"] == owner.organisation.clock() + 60 * SECOND
    assert set(approval) == {
        "type", "id", "username", "app", "client", "address", "place", "is_passwordless", "expires_at", "nonce",
    }  # fmt: skip


def test_the_page_hears_at_once_that_it_is_approved(owner: Owner) -> None:
    heard: list[str] = []
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        listener = browser.copy()
        waiting = threading.Thread(target=lambda: heard.append(listener.get("/sign-in/approval/events").text))
        waiting.start()
        assert connection.answer(connection.receive(), number) == "approved"
        waiting.join(1)
    assert 'event: over\ndata: {"state": "approved"}' in heard[0]


def test_what_waits_is_told_to_a_device_that_connects_later(owner: Owner) -> None:
    browser = owner.typed_password()
    number = number_on(browser.get("/sign-in").text)
    with owner.connected() as connection:
        assert connection.answer(connection.receive(), number) == "approved"
    assert go_on(browser).headers["location"] == "/security-info"


def test_reloading_the_page_asks_nothing_again(owner: Owner) -> None:
    browser = owner.typed_password()
    first = number_on(browser.get("/sign-in").text)
    assert number_on(browser.get("/sign-in").text) == first


def test_refuses_to_go_on_before_it_is_approved(owner: Owner) -> None:
    browser = owner.typed_password()
    number = number_on(browser.get("/sign-in").text)
    page = go_on(browser)
    assert page.status_code == 409
    assert tells(page, "approval_waiting")
    assert number_on(page.text) == number


@pytest.mark.parametrize(
    ("answer", "result", "reason"),
    [
        ({"wrong_number": True}, "wrong_number", "approval_number_wrong"),
        ({"number": None}, "wrong_number", "approval_number_wrong"),
        ({"is_verified": False}, "not_verified", "approval_not_verified"),
        ({"decision": "decline"}, "declined", "approval_declined"),
        ({"signed": {"nonce": "AAAA"}}, "forged", "approval_signature_wrong"),
        ({"signed": {"number": "00"}}, "forged", "approval_signature_wrong"),
        ({"signed": {"decision": "decline"}}, "forged", "approval_signature_wrong"),
        ({"signed": {"is_verified": False}}, "forged", "approval_signature_wrong"),
        ({"origin": "https://login.evil.example"}, "forged", "approval_signature_wrong"),
        ({"signature": "AAAA"}, "forged", "approval_signature_wrong"),
        ({"signature": "A" * 86}, "forged", "approval_signature_wrong"),
    ],
)
def test_refuses_an_answer_that_is_not_a_verified_approval_of_this_number(
    owner: Owner, answer: dict[str, Any], result: str, reason: str
) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        if answer.pop("wrong_number", False):
            answer["number"] = wrong(number)
        assert connection.answer(connection.receive(), **{"number": number, **answer}) == result
    page = go_on(browser)
    assert page.status_code != 303
    assert tells(page, reason)
    assert ("person:sign-in:prove", reason) in events_of(owner.organisation, "lin")


def test_refuses_a_second_answer(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        approval = connection.receive()
        assert connection.answer(approval, wrong(number)) == "wrong_number"
        assert connection.answer(approval, number) == "answered"
    assert tells(go_on(browser), "approval_number_wrong")


def test_refuses_an_approval_taken_twice(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        thief = browser.copy()
        assert connection.answer(connection.receive(), number) == "approved"
    assert go_on(browser).headers["location"] == "/security-info"
    assert go_on(thief).status_code != 303


def test_refuses_an_answer_replayed_for_another_request(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        approval = connection.receive()
        signed = connection.device.answer(approval, number)
        assert connection.answer(approval, number) == "approved"
        assert go_on(browser).status_code == 303
        other = owner.typed_password(owner.organisation.browser())
        other.get("/sign-in")
        second = connection.receive()
        connection.send({**signed, "id": second["id"]})
        assert connection.receive()["result"] == "forged"
    assert go_on(other).status_code != 303


def test_refuses_an_expired_request(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        approval = connection.receive()
        owner.organisation.clock.advance(60 * SECOND)
        assert connection.answer(approval, number) == "expired"
    assert tells(go_on(browser), "approval_expired")


def test_refuses_an_approval_that_waited_too_long_for_its_browser(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        assert connection.answer(connection.receive(), number) == "approved"
    owner.organisation.clock.advance(2 * MINUTE + 1)
    assert tells(go_on(browser), "approval_expired")


def test_refuses_the_answer_of_another_persons_device(owner: Owner) -> None:
    org = owner.organisation
    org.add_person("mallory", with_code=False)
    mallory = with_device(org, "mallory")
    browser = owner.typed_password()
    number = number_on(browser.get("/sign-in").text)
    with owner.connected() as connection:
        approval = connection.receive()
        with mallory.connected() as hers:
            assert hers.answer(approval, number) == "unknown"
        assert connection.answer(approval, number) == "approved"  # it stayed hers to answer


def test_a_request_sent_again_takes_the_place_of_the_first(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        browser.get("/sign-in")
        first = connection.receive()
        number = number_on(browser.follow(browser.post("/sign-in/approval")).text)
        assert connection.receive() == {"type": "none", "id": first["id"], "why": "cancelled"}
        second = connection.receive()
        assert connection.answer(first, number) == "cancelled"
        assert connection.answer(second, number) == "approved"
    assert go_on(browser).status_code == 303


def test_refuses_a_request_while_another_browsers_waits(owner: Owner) -> None:
    owner.typed_password().get("/sign-in")
    other = owner.typed_password(owner.organisation.browser())
    assert tells(other.get("/sign-in"), "approval_pending")
    owner.organisation.clock.advance(MINUTE)
    number_on(other.follow(other.post("/sign-in/approval")).text)


def test_another_way_takes_the_request_back(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        browser.get("/sign-in")
        approval = connection.receive()
        browser.post("/sign-in/restart")
        assert connection.receive() == {"type": "none", "id": approval["id"], "why": "cancelled"}


def test_requests_nobody_approves_are_paused(owner: Owner) -> None:
    browser = owner.typed_password()
    browser.get("/sign-in")
    for _ in range(4):
        assert browser.post("/sign-in/approval").status_code == 303
    page = browser.post("/sign-in/approval")
    assert page.status_code == 429
    assert tells(page, "approvals_paused")
    owner.organisation.clock.advance(14 * MINUTE)
    owner.typed_password(browser)
    assert tells(browser.get("/sign-in"), "approvals_paused")
    owner.organisation.clock.advance(HOUR)
    owner.typed_password(browser)
    number_on(browser.get("/sign-in").text)


def test_an_approval_forgives_what_was_asked_before(owner: Owner) -> None:
    with owner.connected() as connection:
        for _ in range(8):
            browser = owner.typed_password(owner.organisation.browser())
            number = number_on(browser.get("/sign-in").text)
            assert connection.answer(connection.receive(), number) == "approved"
            assert go_on(browser).status_code == 303


def test_a_report_ends_the_sign_in_and_keeps_requests_from_there_away(owner: Owner) -> None:
    org = owner.organisation
    with owner.connected() as connection:
        stranger = org.browser("203.0.113.9")
        owner.typed_password(stranger).get("/sign-in")
        assert connection.answer(connection.receive(), decision="report") == "reported"
    page = go_on(stranger)
    assert page.status_code == 403
    assert tells(page, "approval_reported")
    owner.typed_password(org_browser := org.browser("203.0.113.9"))
    assert tells(org_browser.get("/sign-in"), "approvals_paused")
    number_on(owner.typed_password(org.browser()).get("/sign-in").text)  # from elsewhere it goes on
    assert ("person:approval:report", None) in events_of(org, "lin")


def test_a_report_is_told_to_the_owner(owner: Owner) -> None:
    with owner.connected() as connection:
        owner.typed_password().get("/sign-in")
        connection.answer(connection.receive(), decision="report")
    letters = owner.organisation.administer(outbox.page_of_mail, limit=100)
    assert any('"person:approval:report"' in mail.facts for mail in letters)


def test_a_report_of_a_step_up_ends_the_session(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        connection.answer(connection.receive(), number)
        go_on(browser)
        owner.organisation.clock.advance(6 * MINUTE)
        browser.get("/sign-in?step_up=1&next=/security-info")
        browser.type_password()
        browser.get("/sign-in")
        assert connection.answer(connection.receive(), decision="report") == "reported"
    assert browser.get("/security-info").headers["location"].startswith("/sign-in")


def test_a_device_removed_after_its_answer_signs_nobody_in(owner: Owner) -> None:
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        assert connection.answer(connection.receive(), number) == "approved"
        owner.organisation.administer(methods.delete_method, owner.device.id)
    assert go_on(browser).status_code != 303


def test_removing_the_device_ends_its_connection(owner: Owner) -> None:
    with owner.connected() as connection:
        owner.organisation.administer(methods.delete_method, owner.device.id)
        assert connection.receive() == {"type": "refused", "reason": "device_unknown"}
        assert connection.session.receive() == {"type": "websocket.close", "code": 4401, "reason": "device_unknown"}


def test_the_number_is_two_digits_and_of_every_kind(owner: Owner) -> None:
    method = owner.organisation.site.methods.authenticator
    owner.typed_password().get("/sign-in")
    with owner.organisation.database.transaction() as tx:
        request = approvals.pending_request_of(tx, person_of(tx, "lin").id, now=owner.organisation.clock())
    assert request is not None
    numbers = [method.number_of(request._replace(id=str(n))) for n in range(5000)]
    assert set(numbers) == {str(n) for n in range(10, 100)}
