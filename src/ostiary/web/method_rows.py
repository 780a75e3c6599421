"""A sign-in method as the page and the API show it."""

from typing import Any, Literal

from ostiary.identity.assurance import MethodKind
from ostiary.identity.provider_names import name_of
from ostiary.identity.security_info import Entry
from ostiary.passkeys import Aaguid, provider_of
from ostiary.passkeys.providers import ProviderKind
from ostiary.storage.methods import CredentialRecord
from ostiary.web.pages import Mark, MethodRow, Validity
from ostiary.web.translations import N_
from ostiary.web.user_agent import split_client
from ostiary.web.visit import Visit

_MARKS: dict[ProviderKind, Mark] = {
    ProviderKind.PLATFORM: "this_device",
    ProviderKind.AUTHENTICATOR: "authenticator",
    ProviderKind.SECURITY_KEY: "key",
    ProviderKind.SYNCED: "cloud",
}

_OWN_MARKS: dict[MethodKind, Mark] = {
    MethodKind.PASSWORD: "password",
    MethodKind.CODE: "code",
    MethodKind.AUTHENTICATOR: "authenticator",
    MethodKind.PASS: "temporary_access_pass",
}


def method_row(visit: Visit, entry: Entry) -> MethodRow:
    method, credential = entry.method, entry.credential
    kind = MethodKind(method.kind)
    words = {MethodKind.PASSWORD: visit.say(N_("Password")), MethodKind.PASS: visit.say(N_("Temporary Access Pass"))}
    provider = name_of(Aaguid.parse(entry.aaguid)) if entry.aaguid else None
    return MethodRow(
        id=method.id,
        kind=kind,
        mark=_mark(credential) if credential else _OWN_MARKS.get(kind, "unknown"),
        name=method.name or words.get(kind, kind.value),
        provider=provider,
        binding=_binding(credential) if credential else None,
        added=method.created_at,
        last_used=method.last_used_at,
        last_used_where=client_words(visit, method.last_used_client or "") or None,
        can_rename=kind in (MethodKind.PASSKEY, MethodKind.CODE, MethodKind.AUTHENTICATOR),
        can_delete=kind is not MethodKind.PASSWORD,
        validity=_validity(entry),
        app=f"{entry.device.app_version}, {entry.device.platform}" if entry.device else None,
    )


def method_json(visit: Visit, entry: Entry) -> dict[str, Any]:
    """The method for programs; instants in ISO 8601 would be Graph's, and this is ours: epoch milliseconds."""
    row = method_row(visit, entry)
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "provider": row.provider,
        "aaguid": entry.aaguid,
        "binding": row.binding,
        "attestation": entry.credential.attestation_kind if entry.credential else None,
        "added": row.added,
        "last_used": row.last_used,
    }


def _validity(entry: Entry) -> Validity | None:
    if entry.held is None or entry.usability is None:
        return None
    return Validity(
        usability=entry.usability,
        starts=entry.held.starts_at,
        ends=entry.held.expires_at,
        is_one_time=entry.held.is_one_time,
    )


def client_words(visit: Visit, client: str) -> str:
    """ "Chrome on Windows", or as much of it as is known."""
    browser, system = split_client(client)
    if browser and system:
        return visit.say(N_("%(browser)s on %(system)s")) % {"browser": browser, "system": system}
    return browser or system


def _binding(credential: CredentialRecord) -> Literal["this_device_only", "synced", "can_sync"]:
    if not credential.backup_eligible:
        return "this_device_only"
    return "synced" if credential.backup_state else "can_sync"


def _mark(credential: CredentialRecord) -> Mark:
    provider = provider_of(Aaguid.parse(credential.aaguid))
    if provider is not None:
        return _MARKS[provider.kind]
    if credential.backup_eligible:
        return "cloud"
    transports = credential.transports.split(",")
    if "internal" in transports or transports == [""]:
        return "this_device"
    return "phone" if "hybrid" in transports else "key"
