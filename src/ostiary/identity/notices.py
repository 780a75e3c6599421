"""Owner notices: what happens to a person's sign-in methods is told to them by mail, at once.

`audit.record` calls `notify` for everything it records, in the same transaction: a use case cannot change something
and forget to tell, nor tell what was rolled back. Which events are told is the closed table `NOTICES`; the others stand
in `SILENT`, and an event in neither fails a test.
"""

import json
from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Final, NamedTuple

from ostiary.clock import DAY
from ostiary.identifiers import new_id, new_token, token_hash
from ostiary.identity.caller import Caller
from ostiary.identity.events import Event
from ostiary.identity.provider_names import name_of
from ostiary.passkeys import Aaguid
from ostiary.storage import disavowals, methods, outbox
from ostiary.storage.database import Transaction
from ostiary.storage.disavowals import Disavowal
from ostiary.storage.outbox import Mail
from ostiary.storage.people import Person

LINK_LIFETIME = 7 * DAY
"""Long enough for a holiday week, short enough that an old mailbox takes nobody's passkey away."""


class Letter(StrEnum):
    """The kinds of mail there are."""

    NOTICE = auto()
    """To the owner: something about your sign-in changed."""
    ALERT = auto()
    """To administrators: an owner says that it was not them."""


class Undo(StrEnum):
    """What *This wasn't me* takes back, beside ending sessions and asking for another password."""

    METHOD = auto()
    """The method that was added goes."""
    PASSWORD = auto()
    """The password goes: whoever set it knows it, and the owner does not."""
    NOTHING = auto()
    """What was removed or renamed cannot be put back by us."""
    NO_LINK = auto()
    """There is nothing to disavow."""


NOTICES: Final[Mapping[Event, Undo]] = {
    Event.BROWSER_ADD: Undo.NOTHING,
    Event.PASSKEY_ADD: Undo.METHOD,
    Event.PASSKEY_RENAME: Undo.NOTHING,
    Event.PASSKEY_REMOVE: Undo.NOTHING,
    Event.CODE_ADD: Undo.METHOD,
    Event.CODE_RENAME: Undo.NOTHING,
    Event.CODE_REMOVE: Undo.NOTHING,
    Event.AUTHENTICATOR_ADD: Undo.METHOD,
    Event.AUTHENTICATOR_RENAME: Undo.NOTHING,
    Event.AUTHENTICATOR_REMOVE: Undo.NOTHING,
    Event.APPROVAL_REPORT: Undo.NOTHING,
    Event.PASSWORD_CHANGE: Undo.PASSWORD,
    Event.SECOND_FACTOR_CHOOSE: Undo.NOTHING,
    Event.APP_CONNECT: Undo.NOTHING,
    Event.PERSON_PASSWORD_SET: Undo.PASSWORD,
    Event.PERSON_METHOD_REMOVE: Undo.NOTHING,
    Event.PASS_ISSUE: Undo.METHOD,
    Event.PASS_REMOVE: Undo.NOTHING,
    Event.DISAVOW: Undo.NO_LINK,
}

SILENT: Final = frozenset(
    {
        # the ordinary course of things: a mail for each would teach people not to read them
        Event.SESSION_OPEN,
        Event.SESSION_STEP_UP,
        Event.SESSION_END,
        Event.SESSIONS_END,
        Event.SIGN_IN,
        Event.CEREMONY_REPORT,
        Event.APP_DISCONNECT,
        Event.APP_SUSPECT,  # the app is signed out and says so; Security info warns of it
        Event.PASSKEY_SUSPECT,  # comes again with every sign-in; Security info warns of it
        # about the account, not about how its owner signs in
        Event.PERSON_CREATE,
        Event.PERSON_ENABLE,
        Event.PERSON_DISABLE,
        Event.PERSON_DELETE,
        Event.PERSON_SESSIONS_END,
        Event.GROUP_MEMBER_ADD,
        Event.GROUP_MEMBER_REMOVE,
        Event.ROLE_ASSIGN,
        Event.ROLE_REMOVE,
        # says what an Authenticator is; a passkey in it is told when it is added
        Event.ATTESTATION_CODE_ISSUE,
        Event.ATTESTATION_ISSUE,
        # about nobody
        Event.ORGANIZATION_CREATE,
        Event.DOMAIN_ADD,
        Event.DOMAIN_REMOVE,
        Event.BRANDING_SET,
        Event.GROUP_CREATE,
        Event.GROUP_DELETE,
        Event.POLICY_SAVE,
        Event.ROOT_ADD,
        Event.ROOT_REMOVE,
        Event.METADATA_REFRESH,
        Event.NAMES_IMPORT,
        Event.ATTESTATION_AUTHORITY_CREATE,
        Event.ATTESTATION_AUTHORITY_REMOVE,
        Event.ATTESTATION_REVOKE,
        Event.EXPORT,
    }
)


class Facts(NamedTuple):
    """What a notice tells. `method` is the name of the method it is about; `actor` the administrator who did it, empty
    for one on the machine itself, None when the owner did (or somebody as them)."""

    event: str
    at: int
    method: str | None
    provider: str | None
    is_synced: bool | None
    client: str
    address: str
    actor: str | None

    def as_json(self, **more: str | int | bool | None) -> str:
        return json.dumps({**self._asdict(), **more}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        found = json.loads(text)
        return cls(*(found[name] for name in cls._fields))


def notify(
    tx: Transaction,
    event: Event,
    *,
    caller: Caller,
    now: int,
    actor: Person | None,
    target: Person,
    method_id: str | None,
    method: str | None,
    aaguid: str | None,
) -> None:
    """Puts the notice of this event, when it has one, into the outbox."""
    undo = NOTICES.get(event)
    if undo is None:
        return
    provider, is_synced = _kept_in(tx, target, method_id, aaguid)
    facts = Facts(
        event=event.value,
        at=now,
        method=method,
        provider=provider,
        is_synced=is_synced,
        client=caller.client,
        address=caller.address,
        actor=_administrator(actor, target),
    )
    token = None
    if undo is not Undo.NO_LINK:
        token = new_token()
        disavowals.insert_disavowal(
            tx,
            Disavowal(
                token_hash=token_hash(token),
                person_id=target.id,
                method_id=method_id,
                event=event.value,
                facts=facts.as_json(),
                browser=caller.browser,
                happened_at=now,
                expires_at=now + LINK_LIFETIME,
                used_at=None,
            ),
        )
    post(tx, Letter.NOTICE, target, facts.as_json(token=token), now=now)


def post(tx: Transaction, letter: Letter, recipient: Person, facts: str, *, now: int) -> None:
    """Mail for the server to send when it can."""
    outbox.insert_mail(
        tx,
        Mail(
            id=new_id(),
            recipient=recipient.username,
            language=recipient.language,
            letter=letter,
            facts=facts,
            created_at=now,
            attempts=0,
            next_attempt_at=now,
            last_error=None,
        ),
    )


def _administrator(actor: Person | None, target: Person) -> str | None:
    if actor is None:
        return ""
    return None if actor.id == target.id else actor.username


def _kept_in(
    tx: Transaction, person: Person, method_id: str | None, aaguid: str | None
) -> tuple[str | None, bool | None]:
    """The provider's name, and whether it may be on other devices too, of a passkey; as far as is known."""
    records = methods.credentials_of(tx, person.id) if method_id and aaguid else []
    record = next((one for one in records if one.method_id == method_id), None)
    provider = name_of(Aaguid.parse(aaguid)) if aaguid else None
    return provider, record.backup_eligible if record else None
