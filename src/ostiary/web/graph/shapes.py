"""Sign-in methods as Graph writes them."""

import hashlib
from typing import Any, Final

from ostiary.clock import as_datetime
from ostiary.identity.assurance import MethodKind
from ostiary.identity.provider_names import name_of
from ostiary.identity.security_info import Entry
from ostiary.passkeys import Aaguid, AttestationKind
from ostiary.passkeys.attestation.object import open_attestation_object
from ostiary.storage.methods import CredentialRecord

PASSWORD_ID: Final = "28c10230-6103-485e-b985-444c60001490"
"""Everybody's password has this identifier."""


def instant(at: int) -> str:
    return as_datetime(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def method_of(entry: Entry) -> dict[str, Any]:
    """With the `@odata.type` that tells the kinds apart in one list."""
    shape = _SHAPES[MethodKind(entry.method.kind)]
    return shape(entry)


def _password(entry: Entry) -> dict[str, Any]:
    return {**_base(entry, "password"), "id": PASSWORD_ID, "password": None}


def _fido2(entry: Entry) -> dict[str, Any]:
    record = entry.credential
    assert record is not None
    is_attested = record.attestation_kind == AttestationKind.ATTESTED
    return {
        **_base(entry, "fido2"),
        "displayName": entry.method.name,
        "aaGuid": record.aaguid,
        "model": name_of(Aaguid.parse(record.aaguid)),
        "attestationCertificates": _thumbprints(record),
        "attestationLevel": "attested" if is_attested else "notAttested",
        "passkeyType": "synced" if record.backup_eligible else "deviceBound",
    }


def _code(entry: Entry) -> dict[str, Any]:
    return {**_base(entry, "softwareOath"), "displayName": entry.method.name, "secretKey": None}


def _pass(entry: Entry) -> dict[str, Any]:
    held = entry.held
    assert held is not None
    return {
        **_base(entry, "temporaryAccessPass"),
        "temporaryAccessPass": None,
        "startDateTime": instant(held.starts_at),
        "lifetimeInMinutes": (held.expires_at - held.starts_at) // 60_000,
        "isUsableOnce": held.is_one_time,
    }


def _authenticator(entry: Entry) -> dict[str, Any]:
    device = entry.device
    assert device is not None
    return {
        **_base(entry, "microsoftAuthenticator"),
        "displayName": entry.method.name,
        "deviceTag": device.platform,
        "phoneAppVersion": device.app_version,
        "aaGuid": device.model,
    }


def _base(entry: Entry, kind: str) -> dict[str, Any]:
    return {
        "@odata.type": f"#microsoft.graph.{kind}AuthenticationMethod",
        "id": entry.method.id,
        "createdDateTime": instant(entry.method.created_at),
        "lastUsedDateTime": instant(entry.method.last_used_at) if entry.method.last_used_at else None,
    }


def _thumbprints(record: CredentialRecord) -> list[str]:
    """SHA-1 of each certificate of the statement, as Graph has them; the first is the authenticator's."""
    statement = open_attestation_object(record.attestation_object).statement
    chain = statement.get("x5c") if isinstance(statement, dict) else None
    if not isinstance(chain, list):
        return []
    return [hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in chain if isinstance(der, bytes)]


_SHAPES: Final = {
    MethodKind.PASSWORD: _password,
    MethodKind.PASSKEY: _fido2,
    MethodKind.CODE: _code,
    MethodKind.AUTHENTICATOR: _authenticator,
    MethodKind.PASS: _pass,
}
