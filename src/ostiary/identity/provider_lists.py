"""A list of provider names that an administrator imports, such as the community keeps one."""

import json
from typing import Final

from ostiary.identity import audit
from ostiary.identity.caller import Caller
from ostiary.identity.permissions import Permission, require_permission
from ostiary.identity.provider_names import LONGEST_NAME, use_imported
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import Aaguid
from ostiary.storage import trust
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person

LARGEST_LIST: Final = 1024 * 1024
MOST_NAMES: Final = 5000


def import_list(tx: Transaction, data: bytes, *, actor: Person | None, caller: Caller, now: int) -> int:
    """Replaces the imported list by one of the form `{"<aaguid>": {"name": "..."}}`, whose other members (icons) are
    not kept; answers how many names it has. An empty object forgets the list. Raises `Refusal(NAME_LIST_INVALID)`."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    names = _parse_list(data)
    trust.replace_imported_names(tx, names)
    use_imported(tx)
    audit.record(tx, audit.Event.NAMES_IMPORT, caller=caller, now=now, actor=actor, detail=f"{len(names)} names")
    return len(names)


def _parse_list(data: bytes) -> list[tuple[str, str]]:
    if len(data) > LARGEST_LIST:
        raise Refusal(Reason.NAME_LIST_INVALID, detail="too large")
    try:
        value = json.loads(data)
        if not isinstance(value, dict) or len(value) > MOST_NAMES:
            raise ValueError(f"not an object of at most {MOST_NAMES} members")
        return list({str(Aaguid.parse(aaguid)): _name(entry) for aaguid, entry in value.items()}.items())
    except (ValueError, RecursionError) as error:
        raise Refusal(Reason.NAME_LIST_INVALID, field="list", detail=str(error)) from error


def _name(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError("a name that is missing, too long or not printable")
    return " ".join(name.split())
