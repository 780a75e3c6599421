"""A change of policy, as the people it concerns meet it in a browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from ostiary.clock import system_clock
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy import keeping
from ostiary.storage import methods
from ostiary.storage.database import Database, Transaction, sqlite_url
from tests.policies import block, with_rules

from .chromium import VirtualAuthenticator
from .live_server import LiveServer, Visitor
from .test_journey import add_passkey, sign_in, sign_out

REFUSED = "Your organisation does not accept passkeys saved there."


@contextmanager
def blocked_provider_of(server: LiveServer, person: Visitor) -> Iterator[None]:
    """The policy takes no passkeys of the provider this person uses; afterwards it is the default one again."""

    def block_it(tx: Transaction) -> None:
        (passkey,) = methods.passkey_claims_of(tx, administration.find_person(tx, person.username).id)
        policy = with_rules(key_restrictions=block(passkey.aaguid))
        keeping.save(tx, policy, note="", actor=None, caller=COMMAND_LINE, now=system_clock())

    def take_it_back(tx: Transaction) -> None:
        keeping.put_back(tx, 0, actor=None, caller=COMMAND_LINE, now=system_clock())

    _administer(server, block_it)
    try:
        yield
    finally:
        _administer(server, take_it_back)


def _administer(server: LiveServer, change: Callable[[Transaction], None]) -> None:
    database = Database(sqlite_url(server.data / "ostiary.db"))
    with database.transaction() as tx:
        change(tx)
    database.close()


def test_a_blocked_provider_is_refused_at_registration_and_at_the_next_sign_in(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    sign_in(page, server, ada)
    add_passkey(page)
    (held,) = virtual_authenticator.credentials()
    with blocked_provider_of(server, ada):
        virtual_authenticator.clear()  # as on a new device of the same kind
        page.goto(f"{server.url}/security-info/add")
        page.get_by_role("link", name="This device").click()
        page.get_by_role("button", name="Create passkey").click()
        expect(page.get_by_role("alert")).to_contain_text(REFUSED)
        page.goto(f"{server.url}/security-info/why")
        expect(page.get_by_role("main")).to_contain_text("does not sign in.")

        virtual_authenticator.clear()
        virtual_authenticator.add_credential(held)
        virtual_authenticator.set_present(False)  # nobody takes the autofill's offer
        sign_out(page, server)
        page.get_by_role("link", name="Sign-in options").click()
        virtual_authenticator.set_present(True)
        page.get_by_role("button", name="Face, fingerprint, PIN or security key").click()
        problem = page.get_by_role("alert")
        expect(problem).to_contain_text(REFUSED)
        expect(problem).to_contain_text("Sign in another way and add a passkey your organisation accepts")
