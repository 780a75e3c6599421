"""The whole way against a real `ostiary serve --demo`: add the account, set everything up, approve, delete."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fido2.utils import websafe_decode
from fido2.webauthn import AttestationObject

from ostiary.authenticator.app import assembly, operations
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.server_facts import SETUP, registered_passkeys
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import (
    ApprovalResult,
    ApprovalView,
    ConnectionStatus,
    SignInStatus,
    StepKind,
    StepStatus,
)
from ostiary.authenticator.keys import SealedKeyStore
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from ostiary.clock import system_clock
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
    keys = SealedKeyStore.open(directory, clock=system_clock, kdf=CheapKdf())
    service = AuthenticatorService(keys, make_engine=assembly.make_engine)
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
    assert [step.status for step in steps[0] if step.kind is not StepKind.ATTESTATION] == [StepStatus.DONE] * 3, steps
    return account_id


def made_in_browser(
    app: AuthenticatorService, options: dict[str, Any], server: LiveServer
) -> tuple[str, AttestationObject]:
    """As the extension asks for it: the passkey's id here, and what the website was shown."""
    call = operations.Call(threading.Event(), lambda notice: None)
    params = {"options": options, "origin": server.url, "sameOriginWithAncestors": True}
    with beside(lambda: operations.run(app, "webauthn.create", params, call)) as made:
        app.approve_prompt(until(app.prompt).id, pin=PIN)
    response = made[0]["response"]
    return response["id"], AttestationObject(websafe_decode(response["response"]["attestationObject"]))


def made_under_security_info(app: AuthenticatorService, account_id: str, server: LiveServer) -> str:
    """A passkey that the website made through the browser: the account here has not heard of it."""
    account = app._accounts.find(account_id)
    path = "/v1.0/me/authentication/fido2Methods"
    options = app._accounts.call(account, "GET", f"{path}/creationOptions")["publicKey"]
    call = operations.Call(threading.Event(), lambda notice: None)
    params = {"options": options, "origin": server.url, "sameOriginWithAncestors": True}
    with beside(lambda: operations.run(app, "webauthn.create", params, call)) as made:
        app.approve_prompt(until(app.prompt).id, pin=PIN)
    response = made[0]["response"]
    app._accounts.call(
        account,
        "POST",
        path,
        {
            "displayName": "From the browser",
            "publicKeyCredential": {
                "id": response["id"],
                "response": {name: response["response"][name] for name in ("clientDataJSON", "attestationObject")},
                "clientExtensionResults": {},
            },
        },
    )
    assert response["id"] not in app._accounts.find(account_id).passkeys
    return str(response["id"])


def leave_the_passkey_alone(app: AuthenticatorService, account_id: str) -> None:
    account = app._accounts.find(account_id)
    for collection in ("softwareOathMethods", "microsoftAuthenticatorMethods"):
        path = f"/v1.0/me/authentication/{collection}"
        for method in app._accounts.call(account, "GET", path)["value"]:
            app._accounts.call(account, "DELETE", f"{path}/{method['id']}?isUnderstood=true")


def registered(app: AuthenticatorService, account_id: str) -> set[str]:
    return set(registered_passkeys(app._accounts.call(app._accounts.find(account_id), "GET", SETUP)))


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
    assert [step.status for step in app.set_up(account_id) if step.kind is not StepKind.ATTESTATION] == [
        StepStatus.DONE
    ] * 3
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


def test_approves_while_locked_and_is_unlocked_by_it(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    app.lock()
    number = Person(person.server, person.username).ask_for_approval()
    request = pending(app)
    assert app.answer_approval(request.id, number=number, pin=PIN) is ApprovalResult.APPROVED
    assert not app.state().is_locked


@pytest.mark.parametrize("is_report", [False, True])
def test_says_no_while_locked_with_the_pin(app: AuthenticatorService, person: Person, is_report: bool) -> None:
    account_id = set_up(app, person)
    until(lambda: app.account(account_id).connection is ConnectionStatus.CONNECTED)
    app.lock()
    assert not app.state().do_approvals_wait
    Person(person.server, person.username).ask_for_approval()
    request, say_no = pending(app), app.report_approval if is_report else app.decline_approval
    for pin, reason in (("", AppReason.PIN_NEEDED), ("000000", AppReason.PIN_WRONG)):
        with pytest.raises(AppError) as refused:
            say_no(request.id, pin=pin)
        assert refused.value.reason is reason
    assert say_no(request.id, pin=PIN) is (ApprovalResult.REPORTED if is_report else ApprovalResult.DECLINED)


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


def test_deletes_a_passkey_of_the_browser_at_both_ends(
    app: AuthenticatorService, person: Person, server: LiveServer
) -> None:
    account_id = add(app, person)
    passkey = made_under_security_info(app, account_id, server)
    assert registered(app, account_id) == {passkey}
    app._accounts.change(account_id, lambda one: replace(one, rp_id="localhost"))  # as `set_up` learns it
    deletion = app.delete_passkey(passkey, is_understood=True)
    assert deletion.is_forgotten_by_server, deletion
    assert registered(app, account_id) == set()
    assert app.passkeys() == ()


def test_the_last_strong_method_is_asked_about_twice(app: AuthenticatorService, person: Person) -> None:
    account_id = set_up(app, person)
    leave_the_passkey_alone(app, account_id)
    passkey = app.passkeys()[0].id
    with pytest.raises(AppError) as refused:
        app.delete_passkey(passkey)
    assert refused.value.reason is AppReason.LAST_STRONG_METHOD
    assert len(app.passkeys()) == 1
    assert registered(app, account_id) == {passkey}
    assert app.delete_passkey(passkey, is_understood=True).is_forgotten_by_server
    assert registered(app, account_id) == set()


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
    user = {"id": "MQ", "name": "ada", "displayName": "Ada"}
    options = {
        "rp": {"id": "localhost", "name": "Contoso"},
        "user": user,
        "challenge": "MTIzNDU2Nzg5MDEyMzQ1Ng",
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "attestation": "direct",
    }
    passkey, attestation = made_in_browser(app, options, server)
    assert attestation.fmt == "packed"
    assert next(iter(attestation.att_stmt["x5c"])) == identity.certificates[0]
    assert app.passkey(passkey).is_attested
    # and where it does not, the enrolment says nothing about the passkey
    other, _ = made_in_browser(app, {**options, "attestation": "none", "user": {**user, "id": "Mg"}}, server)
    assert not app.passkey(other).is_attested


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
    steps = {step.kind: step.status for step in app.set_up(account_id, (StepKind.PASSKEY,))}
    assert steps[StepKind.PASSKEY] is StepStatus.DONE
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


def test_numbers_and_shortens_a_name_the_server_would_refuse(app: AuthenticatorService, person: Person) -> None:
    """After the person has approved the passkey is too late for that."""
    app.change_settings(device_name="the computer beside the window of room 12")
    account_id = set_up(app, person)
    listed = app._accounts.call(app._accounts.find(account_id), "GET", "/v1.0/me/authentication/methods")
    names = {one.get("displayName") for one in listed["value"]}
    assert {"the computer beside the window", "the computer beside the wind 2"} <= names
