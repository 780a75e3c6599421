"""The whole way against a real `ostiary serve --demo`: add the account, set everything up, approve, delete."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fido2.utils import websafe_decode
from fido2.webauthn import AttestationObject

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import (
    ApprovalResult,
    ApprovalView,
    ConnectionStatus,
    SignInStatus,
    StepKind,
    StepStatus,
)
from ostiary.authenticator.client import create
from tests.authenticator.app.conftest import PIN, beside, on_a_loop, until
from tests.authenticator.app.people import Person
from tests.browser.live_server import LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("server"))
    live.start()
    yield live
    live.stop()


@pytest.fixture
def person(server: LiveServer) -> Person:
    return Person(server.url, server.add_person("Grace").username)


@pytest.fixture
def app(directory: Path, server: LiveServer) -> Iterator[AuthenticatorService]:
    service = AuthenticatorService.open(directory)
    service.set_pin(PIN)
    with on_a_loop(service.run_connections()):
        yield service
    service.close()


def add(app: AuthenticatorService, person: Person) -> str:
    """Signs in; the account's id."""
    begun = app.begin_sign_in(person.server)
    page = person.allow(begun.url)
    assert "Go back to the Authenticator" in page.text
    over = app.wait_for_sign_in(begun.id)
    assert over.status is SignInStatus.DONE, over
    assert over.account_id
    return over.account_id


def set_up(app: AuthenticatorService, person: Person) -> str:
    account_id = add(app, person)
    with beside(lambda: app.set_up(account_id)) as steps:
        prompt = until(app.prompt)
        assert (prompt.rp_id, prompt.accounts[0].name) == ("localhost", person.username)
        app.approve_prompt(prompt.id, pin=PIN)
    assert [step.status for step in steps[0]] == [StepStatus.DONE] * 3, steps
    return account_id


def pending(app: AuthenticatorService) -> ApprovalView:
    view = until(app.approvals)[0]
    assert isinstance(view, ApprovalView)
    return view


def test_adds_an_account_and_sets_up_what_its_policy_has(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    account = app.account(account_id)
    assert account.organization == "Contoso"
    assert account.is_signed_in
    assert [one.rp_id for one in account.passkeys] == ["localhost"]
    assert [one.account_id for one in app.codes()] == [account_id]
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)


def test_has_nothing_left_to_do_the_second_time(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    assert [step.status for step in app.set_up(account_id)] == [StepStatus.DONE] * 3
    assert len(app.passkeys()) == 1


def test_signing_in_again_renews_the_account(app: AuthenticatorService, person: Person) -> None:
    account_id = add(app, person)
    assert add(app, person) == account_id
    assert len(app.accounts()) == 1


def test_approves_a_sign_in_by_its_number(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    elsewhere = Person(person.server, person.username)
    number = elsewhere.ask_for_approval()
    request = pending(app)
    assert (request.username, request.organization) == (person.username, "Contoso")
    assert app.answer_approval(request.id, number=number, pin=PIN) is ApprovalResult.APPROVED
    assert app.approvals() == ()
    assert elsewhere.post("/sign-in/approval/continue", {}).status_code == 303
    assert elsewhere.get("/security-info").status_code == 200


def test_refuses_a_wrong_number(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    number = Person(person.server, person.username).ask_for_approval()
    with pytest.raises(AppError) as refused:
        app.answer_approval(pending(app).id, number="10" if number != "10" else "11", pin=PIN)
    assert refused.value.reason is AppReason.NUMBER_WRONG


@pytest.mark.parametrize("is_report", [False, True])
def test_declines_and_reports(app: AuthenticatorService, person: Person, is_report: bool) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    Person(person.server, person.username).ask_for_approval()
    answer = app.report_approval if is_report else app.decline_approval
    assert answer(pending(app).id) is (ApprovalResult.REPORTED if is_report else ApprovalResult.DECLINED)


def test_a_wrong_pin_leaves_a_request_open(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    number = Person(person.server, person.username).ask_for_approval()
    request = pending(app)
    with pytest.raises(AppError) as refused:
        app.answer_approval(request.id, number=number, pin="000000")
    assert refused.value.reason is AppReason.PIN_WRONG
    assert app.answer_approval(request.id, number=number, pin=PIN) is ApprovalResult.APPROVED


def test_deletes_a_passkey_at_both_ends(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    deletion = app.delete_passkey(app.passkeys()[0].id)
    assert deletion.is_forgotten_by_server, deletion
    assert app.passkeys() == ()
    with beside(lambda: app.set_up(account_id)) as steps:
        app.approve_prompt(until(app.prompt).id, pin=PIN)
    assert steps[0][0].status is StepStatus.DONE
    assert len(app.passkeys()) == 1


def test_says_in_words_that_a_passkey_is_here_already(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    # an app that lost what it knew of the account, and not the passkey
    app._accounts.change(account_id, lambda one: replace(one, passkeys={}, steps={}))
    with beside(lambda: app.set_up(account_id, (StepKind.PASSKEY,))) as steps:
        prompt = until(app.prompt)
        assert prompt.purpose == "already_registered"
        app.approve_prompt(prompt.id, pin=PIN)
    step = steps[0][0]
    assert (step.status, step.reason) == (StepStatus.REFUSED, "already_registered")
    assert "trash" in step.next
    assert "Security info" in step.next


def test_removes_an_account_at_both_ends(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    removed = app.remove_account(account_id)
    assert removed.is_forgotten_by_server, removed
    assert app.accounts() == ()
    assert app.codes() == ()
    assert len(app.passkeys()) == 1


def test_declining_the_prompt_refuses_one_step_alone(app: AuthenticatorService, person: Person) -> None:
    account_id = add(app, person)
    with beside(lambda: app.set_up(account_id)) as steps:
        app.decline_prompt(until(app.prompt).id)
    assert [step.status for step in steps[0]] == [StepStatus.REFUSED, StepStatus.DONE, StepStatus.DONE]
    assert steps[0][0].reason == "declined"
    assert app.passkeys() == ()


def test_saying_no_in_the_browser_adds_nothing(app: AuthenticatorService, person: Person) -> None:
    begun = app.begin_sign_in(person.server)
    person.allow(begun.url, decision="cancel")
    over = app.wait_for_sign_in(begun.id)
    assert (over.status, over.account_id) == (SignInStatus.FAILED, None)
    assert app.accounts() == ()


def test_connects_again_when_the_server_comes_back(
    app: AuthenticatorService, person: Person, server: LiveServer
) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    server.stop()
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTING)
    server.start()
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED, 30)
    number = Person(person.server, person.username).ask_for_approval()
    assert app.answer_approval(pending(app).id, number=number, pin=PIN) is ApprovalResult.APPROVED


def test_a_device_that_the_server_forgot_says_so(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    account = app._accounts.find(account_id)
    app._accounts.call(account, "DELETE", f"/v1.0/me/authentication/microsoftAuthenticatorMethods/{account.device_id}")
    until(lambda: app.account(account_id).connection is ConnectionStatus.REFUSED)
    # and is set up anew when asked
    app.set_up(account_id)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)


def admin(server: LiveServer, *arguments: str) -> str:
    command = [sys.executable, "-m", "ostiary", "admin", "attestation", *arguments, "--data", str(server.data)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_enrols_by_a_code_and_is_vouched_for(app: AuthenticatorService, person: Person, server: LiveServer) -> None:
    admin(server, "init")
    code = json.loads(admin(server, "code", "--for", person.username, "--json"))["code"]
    account_id = add(app, person)
    with pytest.raises(AppError) as refused:
        app.enrol_attestation(account_id, "AAAA-AAAA-AAAA")
    assert refused.value.reason is AppReason.SERVER_REFUSED
    assert refused.value.message
    assert app.keys.attestation_for("localhost") is None
    step = app.enrol_attestation(account_id, f" {code} ")
    assert (step.kind, step.status) == (StepKind.ATTESTATION, StepStatus.DONE)
    identity = app.keys.attestation_for("localhost")
    assert identity is not None
    # where the relying party asks to see it, it is shown
    options = {
        "rp": {"id": "localhost", "name": "Contoso"},
        "user": {"id": "MQ", "name": "ada", "displayName": "Ada"},
        "challenge": "MTIzNDU2Nzg5MDEyMzQ1Ng",
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "attestation": "direct",
    }
    with beside(lambda: create(app.patient_engine, options, origin=server.url)) as made:
        app.approve_prompt(until(app.prompt).id, pin=PIN)
    attestation = AttestationObject(websafe_decode(made[0]["response"]["attestationObject"]))
    assert attestation.fmt == "packed"
    assert next(iter(attestation.att_stmt["x5c"])) == identity.certificates[0]
    assert app.passkeys()[0].is_attested


def test_removing_the_server_side_first_is_no_error(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    account = app._accounts.find(account_id)
    [method_id] = account.passkeys.values()
    app._accounts.call(account, "DELETE", f"/v1.0/me/authentication/fido2Methods/{method_id}?isUnderstood=true")
    deletion = app.delete_passkey(app.passkeys()[0].id)
    assert deletion.is_forgotten_by_server
    assert app.passkeys() == ()


def test_a_passkey_whose_answer_was_lost_is_not_made_twice(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    passkey = app.passkeys()[0].id
    # the registration reached the server, and its answer never came back
    app._accounts.change(account_id, lambda one: replace(one, passkeys={}, steps={}, pending_passkey=passkey))
    steps = app.set_up(account_id, (StepKind.PASSKEY,))
    assert steps[-1].status is StepStatus.DONE
    assert [one.id for one in app.passkeys()] == [passkey]
    assert app.delete_passkey(passkey).is_forgotten_by_server


def test_tells_when_the_server_cannot_forget_a_passkey(
    app: AuthenticatorService, person: Person, server: LiveServer
) -> None:
    set_up(app, person)
    server.stop()
    try:
        deletion = app.delete_passkey(app.passkeys()[0].id)
    finally:
        server.start()
    assert not deletion.is_forgotten_by_server
    assert "/security-info" in deletion.next
    assert app.passkeys() == ()
