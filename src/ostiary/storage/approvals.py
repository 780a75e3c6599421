"""Rows of approvals: the devices that answer, and the requests that wait for an answer.

Every change of what somebody may be waiting for is announced here, so that no use case can forget it.
"""

from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from ostiary.storage.announcements import announce, announce_person, topic_of_sign_in
from ostiary.storage.database import Query, Transaction
from ostiary.storage.people import Person
from ostiary.storage.statements import insert_into, update_by
from ostiary.storage.tables import approval_requests, authenticator_devices, people, sign_in_methods


class AuthenticatorDevice(NamedTuple):
    method_id: str
    person_id: str
    public_key: bytes
    model: str
    app_version: str
    platform: str
    connection: str | None


class Holder(NamedTuple):
    """A device, what it is called, and whose it is."""

    device: AuthenticatorDevice
    name: str | None
    person: Person


class ApprovalRequest(NamedTuple):
    """`answered_at`: spent, whatever came of it; `outcome` what did, None while it is judged."""

    id: str
    person_id: str | None
    username: str
    binding: bytes
    browser: bytes | None
    network: str
    nonce: bytes
    is_passwordless: bool
    client: str
    address: str
    created_at: int
    expires_at: int
    method_id: str | None
    answered_at: int | None
    outcome: str | None
    reference: str | None

    def is_pending(self, now: int) -> bool:
        return self.answered_at is None and now < self.expires_at


_DEVICE = authenticator_devices.c
_REQUEST = approval_requests.c
_DEVICES = select(*(_DEVICE[name] for name in AuthenticatorDevice._fields))
_REQUESTS = select(*(_REQUEST[name] for name in ApprovalRequest._fields))
_PENDING = and_(_REQUEST.answered_at.is_(None), _REQUEST.expires_at > bindparam("now"))

_INSERT_DEVICE = Query(insert_into(authenticator_devices))
_DEVICES_OF = Query(_DEVICES.where(_DEVICE.person_id == bindparam("person_id")).order_by(_DEVICE.method_id))
_DEVICE_BY_KEY = Query(_DEVICES.where(_DEVICE.public_key == bindparam("public_key")))
_HOLDER = Query(
    select(
        *(_DEVICE[name] for name in AuthenticatorDevice._fields),
        sign_in_methods.c.name.label("method_name"),
        *(people.c[name].label(f"person_{name}") for name in Person._fields),
    )
    .join(sign_in_methods, sign_in_methods.c.id == _DEVICE.method_id)
    .join(people, people.c.id == _DEVICE.person_id)
    .where(_DEVICE.method_id == bindparam("method_id"))
)
_SET_CONNECTION = Query(update_by(_DEVICE.method_id, "connection"))
_SET_APP = Query(update_by(_DEVICE.method_id, "app_version", "platform"))

_INSERT = Query(insert_into(approval_requests))
_BY_ID = Query(_REQUESTS.where(_REQUEST.id == bindparam("id")))
_NEWEST_OF_SIGN_IN = Query(
    _REQUESTS.where(_REQUEST.binding == bindparam("binding")).order_by(_REQUEST.id.desc()).limit(1)
)
_PENDING_OF_PERSON = Query(
    _REQUESTS.where(_REQUEST.person_id == bindparam("person_id"), _PENDING).order_by(_REQUEST.id.desc()).limit(1)
)
_PENDING_OF_OTHERS = Query(
    _REQUESTS.where(
        _REQUEST.username == bindparam("username"), _PENDING, _REQUEST.binding != bindparam("binding")
    ).limit(1)
)
_SPEND = Query(
    update(approval_requests)
    .where(_REQUEST.id == bindparam("key"), _PENDING)
    .values(answered_at=bindparam("now"), method_id=bindparam("device"))
)
_CANCEL = Query(
    update(approval_requests)
    .where(_REQUEST.binding == bindparam("key"), _REQUEST.answered_at.is_(None))
    .values(answered_at=bindparam("now"), outcome=bindparam("result"))
    .returning(_REQUEST.person_id)
)
_SETTLE = Query(
    update(approval_requests)
    .where(_REQUEST.id == bindparam("key"), _REQUEST.outcome.is_(None))
    .values(outcome=bindparam("result"), reference=bindparam("code"))
)
_TAKE = Query(
    update(approval_requests)
    .where(_REQUEST.id == bindparam("key"), _REQUEST.outcome == bindparam("before"))
    .values(outcome=bindparam("after"))
)
_REPORTS = Query(
    select(func.count()).where(
        _REQUEST.outcome == "reported",
        _REQUEST.answered_at > bindparam("since"),
        or_(
            and_(_REQUEST.username == bindparam("username"), _REQUEST.network == bindparam("network")),
            _REQUEST.browser == bindparam("browser"),
            _REQUEST.binding == bindparam("binding"),
        ),
    )
)
_HOLD_USERNAME = Query(select(people.c.id).where(people.c.username == bindparam("username")).with_for_update())
_DELETE_OLD = Query(delete(approval_requests).where(_REQUEST.expires_at <= bindparam("before")))


# --- devices


def insert_device(tx: Transaction, device: AuthenticatorDevice) -> None:
    tx.run(_INSERT_DEVICE, **device._asdict())
    announce_person(tx, device.person_id)


def devices_of(tx: Transaction, person_id: str) -> list[AuthenticatorDevice]:
    """Oldest first."""
    return [AuthenticatorDevice._make(row) for row in tx.all(_DEVICES_OF, person_id=person_id)]


def device_by_key(tx: Transaction, public_key: bytes) -> AuthenticatorDevice | None:
    row = tx.one(_DEVICE_BY_KEY, public_key=public_key)
    return None if row is None else AuthenticatorDevice._make(row)


def holder_of(tx: Transaction, method_id: str) -> Holder | None:
    row = tx.one(_HOLDER, method_id=method_id)
    if row is None:
        return None
    width = len(AuthenticatorDevice._fields)
    return Holder(AuthenticatorDevice._make(row[:width]), row[width], Person._make(row[width + 1 :]))


def set_connection(tx: Transaction, device: AuthenticatorDevice, connection: str) -> None:
    """From now on this one counts; an older one of the same device hears of it and ends."""
    tx.run(_SET_CONNECTION, key=device.method_id, connection=connection)
    announce_person(tx, device.person_id)


def set_app(tx: Transaction, method_id: str, *, app_version: str, platform: str) -> None:
    tx.run(_SET_APP, key=method_id, app_version=app_version, platform=platform)


# --- requests


def hold_username(tx: Transaction, username: str) -> None:
    """Lets another request for the same account wait until this transaction is over."""
    tx.one(_HOLD_USERNAME, username=username)


def insert_request(tx: Transaction, request: ApprovalRequest) -> None:
    tx.run(_INSERT, **request._asdict())
    announce_person(tx, request.person_id or "")  # of nobody, too: so that it takes as long


def request_by_id(tx: Transaction, request_id: str) -> ApprovalRequest | None:
    row = tx.one(_BY_ID, id=request_id)
    return None if row is None else ApprovalRequest._make(row)


def newest_request_of_sign_in(tx: Transaction, binding: bytes) -> ApprovalRequest | None:
    row = tx.one(_NEWEST_OF_SIGN_IN, binding=binding)
    return None if row is None else ApprovalRequest._make(row)


def pending_request_of(tx: Transaction, person_id: str, *, now: int) -> ApprovalRequest | None:
    row = tx.one(_PENDING_OF_PERSON, person_id=person_id, now=now)
    return None if row is None else ApprovalRequest._make(row)


def is_pending_elsewhere(tx: Transaction, username: str, *, binding: bytes, now: int) -> bool:
    """Whether another sign-in to this account waits for an approval."""
    return tx.one(_PENDING_OF_OTHERS, username=username, binding=binding, now=now) is not None


def spend_request(tx: Transaction, request_id: str, *, method_id: str, now: int) -> bool:
    """Whether it was there to be answered: once, and in time."""
    return tx.run(_SPEND, key=request_id, device=method_id, now=now) == 1


def cancel_requests(tx: Transaction, binding: bytes, *, outcome: str, now: int) -> None:
    """What this sign-in waited for is no longer wanted."""
    for row in tx.all(_CANCEL, key=binding, result=outcome, now=now):
        announce_person(tx, row[0] or "")


def settle_request(tx: Transaction, request: ApprovalRequest, outcome: str, *, reference: str | None = None) -> None:
    tx.run(_SETTLE, key=request.id, result=outcome, code=reference)
    announce(tx, topic_of_sign_in(request.binding))
    announce_person(tx, request.person_id or "")


def take_outcome(tx: Transaction, request_id: str, before: str, after: str) -> bool:
    """From one outcome to another; False when somebody else was faster."""
    return tx.run(_TAKE, key=request_id, before=before, after=after) == 1


def is_reported(
    tx: Transaction, *, username: str, network: str, browser: bytes | None, binding: bytes, since: int
) -> bool:
    """Whether requests from there, or from this browser to anybody, were reported since."""
    row = tx.one(_REPORTS, username=username, network=network, browser=browser or b"", binding=binding, since=since)
    return row is not None and row[0] > 0


def delete_old_requests(tx: Transaction, before: int) -> int:
    return tx.run(_DELETE_OLD, before=before)
