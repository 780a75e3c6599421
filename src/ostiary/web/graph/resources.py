"""What the resources share: finding a method of the right kind, lists, and removing one."""

from collections.abc import Iterable
from typing import Any

from ostiary.identity import security_info
from ostiary.identity.assurance import MethodKind
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.security_info import Entry
from ostiary.identity.sessions import SignedIn
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.web.graph.call import Call
from ostiary.web.graph.shapes import method_of


def context(call: Call, path: str) -> dict[str, Any]:
    return {"@odata.context": call.url(f"$metadata#{path}")}


def of_me(call: Call, collection: str) -> str:
    return f"users('{call.session().person.id}')/authentication/{collection}"


async def list_methods(call: Call, collection: str, kind: MethodKind | None = None) -> dict[str, Any]:
    """Oldest first."""
    entries = await call.read(_entries, call.session(), kind, now=call.now)
    return {**context(call, of_me(call, collection)), "value": [method_of(entry) for entry in entries]}


async def show_method(call: Call, collection: str, method_id: str, kind: MethodKind) -> dict[str, Any]:
    entry = await call.read(find_method, call.session(), method_id, kind, now=call.now)
    return {**context(call, f"{of_me(call, collection)}/$entity"), **method_of(entry)}


async def remove_method(call: Call, method_id: str, kind: MethodKind, *, is_understood: bool) -> None:
    """`is_understood`: the person was told that it is the last strong one."""
    await call.read(find_method, call.session(), method_id, kind, now=call.now)
    await call.write(
        security_info.remove,
        call.session(),
        method_id,
        is_understood=is_understood,
        caller=call.caller,
        now=call.now,
    )


def find_method(tx: Transaction, signed_in: SignedIn, method_id: str, kind: MethodKind, *, now: int) -> Entry:
    """Raises `Refusal(METHOD_UNKNOWN)`, also for a method of another kind."""
    entry = security_info.find(tx, signed_in, method_id, now=now)
    if entry.method.kind != kind:
        raise Refusal(Reason.METHOD_UNKNOWN, person_id=signed_in.person.id)
    return entry


def _entries(tx: Transaction, signed_in: SignedIn, kind: MethodKind | None, *, now: int) -> Iterable[Entry]:
    owned = methods.methods_of(tx, signed_in.person.id)
    return [security_info.find(tx, signed_in, one.id, now=now) for one in owned if kind is None or one.kind == kind]
