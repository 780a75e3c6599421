"""Accounts and passkeys: shown, added, deleted; each refusal with its next step."""

from tests.authenticator.app.web.running import Reader, RunningApp

UNREACHABLE = "http://localhost:9"


def test_empty_list_leads_to_adding(reader: Reader) -> None:
    page = reader.get("/accounts").text
    assert "Sign in without a password" in page and f"{reader.root}/accounts/add" in page
    assert "Work or school account" in reader.get("/accounts/add").text
    assert "Other account (one-time codes)" in reader.get("/accounts/add").text


def test_lists_passkeys_by_account(app: RunningApp, reader: Reader) -> None:
    passkey = app.add_passkey()
    app.add_passkey("git.fabrikam.example", "ada.lovelace")
    app.add_account(passkey)
    page = reader.get("/accounts").text
    account, _, others = page.partition("Other passkeys")
    assert f"/passkeys/{passkey}" in account and "Contoso" in account
    assert "git.fabrikam.example" in others and passkey not in others


def test_refuses_a_server_that_is_no_address(reader: Reader) -> None:
    answer = reader.post("/accounts/add/work", server="ftp://contoso")
    assert answer.status_code == 422 and 'id="server-problem"' in answer.text and 'value="ftp://contoso"' in answer.text


def test_refuses_a_server_that_cannot_be_reached(reader: Reader) -> None:
    answer = reader.post("/accounts/add/work", server=UNREACHABLE)
    assert answer.status_code == 502 and "cannot be reached" in answer.text


def test_account_page_shows_what_is_set_up(app: RunningApp, reader: Reader) -> None:
    app.add_account(app.add_passkey())
    page = reader.get("/accounts/contoso").text
    assert "What is set up" in page and "ada@contoso.example" in page and "Sign in again" in page


def test_unknown_ids_are_not_found(reader: Reader) -> None:
    for path in ("/accounts/none", "/passkeys/none", "/codes/none/delete", "/accounts/add/work/none"):
        answer = reader.get(path)
        assert answer.status_code == 404, path
        assert "is not here" in answer.text or "is over" in answer.text
    assert reader.post("/passkeys/none/delete").status_code == 404


def test_passkey_says_where_it_lives_and_who_vouches(app: RunningApp, reader: Reader) -> None:
    page = reader.get(f"/passkeys/{app.add_passkey()}").text
    assert "On this computer only" in page and "Nobody, as far as this Authenticator knows." in page
    assert "Not used yet" in page and "login.contoso.example" in page


def test_deleting_asks_first(app: RunningApp, reader: Reader) -> None:
    passkey = app.add_passkey()
    page = reader.get(f"/passkeys/{passkey}/delete").text
    assert "Delete this passkey?" in page and "Security info" in page and "Keep it" in page
    assert len(app.service.passkeys()) == 1


def test_deleted_passkey_must_be_forgotten_elsewhere(app: RunningApp, reader: Reader) -> None:
    passkey = app.add_passkey()
    page = reader.post(f"/passkeys/{passkey}/delete")
    assert page.status_code == 200 and "One more place" in page.text
    assert app.service.passkeys() == ()


def test_deleted_passkey_of_an_account_leads_to_security_info(app: RunningApp, reader: Reader) -> None:
    passkey = app.add_passkey()
    app.add_account(passkey)
    page = reader.post(f"/passkeys/{passkey}/delete").text
    assert "Delete it also under Security info" in page and f'href="{UNREACHABLE}/security-info"' in page


def test_removing_an_account_keeps_its_passkeys(app: RunningApp, reader: Reader) -> None:
    app.add_account(app.add_passkey())
    assert "Its passkeys stay" in reader.get("/accounts/contoso/remove").text
    assert reader.post("/accounts/contoso/remove").status_code == 200
    assert app.service.accounts() == () and len(app.service.passkeys()) == 1


def test_names_are_text_not_markup(app: RunningApp, reader: Reader) -> None:
    app.add_passkey("hostile.example", "<img src=x onerror=alert(1)>")
    page = reader.get("/accounts").text
    assert "<img" not in page and "&lt;img" in page
