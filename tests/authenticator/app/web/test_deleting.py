"""Deleting a passkey that the account's server has, too: what is asked before, and what is told afterwards."""

import json
import re
import sqlite3
from collections.abc import Iterator

import pytest

from tests.authenticator.app.conftest import beside, until
from tests.authenticator.app.people import Person
from tests.authenticator.app.web.running import PIN, Reader, RunningApp
from tests.browser.live_server import LiveServer

MINUTE = 60_000


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
def passkey(app: RunningApp, person: Person) -> str:
    """Of an account that is signed in and set up."""
    begun = app.service.begin_sign_in(person.server)
    person.allow(begun.url)
    account_id = app.service.wait_for_sign_in(begun.id).account_id
    assert account_id is not None
    with beside(lambda: app.service.set_up(account_id)):
        app.service.approve_prompt(until(app.service.prompt).id, pin=PIN)
    [passkey] = app.service.passkeys()
    assert passkey.account_id == account_id
    return passkey.id


def age_proofs(server: LiveServer, minutes: int) -> None:
    """Everybody signed in that much earlier."""
    database = sqlite3.connect(server.data / "ostiary.db", timeout=10)
    with database:
        for session, proofs in database.execute("SELECT id, proofs FROM sessions").fetchall():
            older = re.sub(r"\b\d{13}\b", lambda at: str(int(at[0]) - minutes * MINUTE), proofs)
            assert older != proofs and json.loads(older)
            database.execute("UPDATE sessions SET proofs = ? WHERE id = ?", (older, session))
    database.close()


def leave_the_passkey_alone(app: RunningApp, account_id: str) -> None:
    accounts = app.service._accounts
    account = accounts.find(account_id)
    for collection in ("softwareOathMethods", "microsoftAuthenticatorMethods"):
        path = f"/v1.0/me/authentication/{collection}"
        for method in accounts.call(account, "GET", path)["value"]:
            accounts.call(account, "DELETE", f"{path}/{method['id']}?isUnderstood=true")


def test_asks_a_second_time_before_the_last_strong_method_goes(app: RunningApp, reader: Reader, passkey: str) -> None:
    leave_the_passkey_alone(app, app.service.accounts()[0].id)
    asked = reader.post(f"/passkeys/{passkey}/delete")
    assert asked.status_code == 409
    assert "Delete your last strong way to sign in?" in asked.text
    assert 'name="is_understood" value="yes"' in asked.text
    assert len(app.service.passkeys()) == 1
    answer = reader.post(f"/passkeys/{passkey}/delete", is_understood="yes")
    assert answer.status_code == 200 and "Your organisation has forgotten it too" in answer.text
    assert app.service.passkeys() == ()


def test_asks_for_a_fresh_sign_in_and_comes_back(
    app: RunningApp, reader: Reader, passkey: str, person: Person, server: LiveServer
) -> None:
    account = app.service.accounts()[0].id
    age_proofs(server, 20)
    asked = reader.post(f"/passkeys/{passkey}/delete")
    assert asked.status_code == 409 and "Sign in again to delete this passkey" in asked.text
    assert f'action="{reader.root}/accounts/{account}/sign-in"' in asked.text
    assert len(app.service.passkeys()) == 1

    back = f"{reader.root}/passkeys/{passkey}/delete"
    assert f'name="return_to" value="{back}"' in asked.text
    there = reader.goes_to(reader.post(f"/accounts/{account}/sign-in", return_to=back))
    sign_in = re.search(r"/accounts/add/work/([^?]+)\?", there)
    assert sign_in is not None
    person.allow(app.service.sign_in(sign_in[1]).url)
    app.service.wait_for_sign_in(sign_in[1])
    assert f'data-then="{back}"' in reader.get(there).text
    answer = reader.post(f"/passkeys/{passkey}/delete")
    assert "Your organisation has forgotten it too" in answer.text


def test_deletes_it_here_alone_where_the_person_says_so(
    app: RunningApp, reader: Reader, passkey: str, server: LiveServer
) -> None:
    age_proofs(server, 20)
    answer = reader.post(f"/passkeys/{passkey}/delete", is_here_only="yes")
    assert answer.status_code == 200 and "One more place" in answer.text
    assert f'href="{server.url}/security-info"' in answer.text
    assert app.service.passkeys() == ()


def test_a_sign_in_that_is_over_leads_to_security_info(
    app: RunningApp, reader: Reader, passkey: str, server: LiveServer
) -> None:
    account = app.service._accounts.find(app.service.accounts()[0].id)
    app.service._accounts._forget_tokens(account)
    answer = reader.post(f"/passkeys/{passkey}/delete")
    assert answer.status_code == 200 and "Delete it also under Security info" in answer.text
    assert f'href="{server.url}/security-info"' in answer.text
    assert app.service.passkeys() == ()


def test_coming_back_leads_nowhere_else(app: RunningApp, reader: Reader, passkey: str) -> None:
    account = app.service.accounts()[0].id
    for elsewhere in ("https://evil.example/", "//evil.example", f"{reader.root}//evil.example"):
        there = reader.goes_to(reader.post(f"/accounts/{account}/sign-in", return_to=elsewhere))
        assert "evil" not in there and "evil" not in reader.get(there).text
        app.service.cancel_sign_in(there.removeprefix("/accounts/add/work/").partition("?")[0])
