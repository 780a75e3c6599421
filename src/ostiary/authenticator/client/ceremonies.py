"""The two ceremonies as a client conducts them (WebAuthn L3 §5.1.3 and §5.1.4), in the specification's order.

We are a *platform* authenticator to the page: the passkey is on this device, reached by `internal` and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from fido2.ctap import CtapError
from fido2.webauthn import AuthenticatorData

from ostiary.authenticator.client import base64url, client_data
from ostiary.authenticator.client.attestation import attestation_object, subject_public_key_info
from ostiary.authenticator.client.ctap import (
    GET_ASSERTION,
    MAKE_CREDENTIAL,
    Authenticator,
    Ctap2,
    Timeouts,
    conducting,
    unsupported_algorithm,
)
from ostiary.authenticator.client.errors import ClientReason, not_allowed
from ostiary.authenticator.client.extensions import AuthenticationExtensions, RegistrationExtensions
from ostiary.authenticator.client.options import CreationOptions, read_creation_options, read_request_options
from ostiary.authenticator.client.origin import Caller, caller_of, rp_id_for
from ostiary.authenticator.ports import Exchange

ATTACHMENT: Final = "platform"
TRANSPORTS: Final = ("internal",)
OTHER_DEVICE: Final = "This website asks for a security key or a phone, and this authenticator is neither."
_BY_A_PERSON: Final = frozenset({"optional", "required"})


def create(
    device: Ctap2,
    options: object,
    *,
    origin: object,
    cross_origin: bool = False,
    top_origin: object = None,
    mediation: str = "optional",
    exchange: Exchange | None = None,
    timeouts: Timeouts | None = None,
) -> dict[str, Any]:
    """A registration ceremony: `PublicKeyCredentialCreationOptionsJSON` in, `RegistrationResponseJSON` out.

    `origin`, `cross_origin` and `top_origin` are the browser's word on who asks; whatever the options say of it is not
    looked at. Waits for the person. Raises `ClientError`.
    """
    caller = caller_of(origin, cross_origin=cross_origin, top_origin=top_origin)
    asked = read_creation_options(options)
    rp_id = rp_id_for(caller, asked.rp_id)
    if mediation not in _BY_A_PERSON:
        # WebAuthn L3 §5.1.3, step 2: creation nobody sees rests on a consent that only a password manager has
        raise not_allowed(ClientReason.MEDIATION_UNSUPPORTED)
    if asked.attachments and ATTACHMENT not in asked.attachments:
        raise not_allowed(ClientReason.OTHER_DEVICE_WANTED, OTHER_DEVICE)
    exchange = exchange or Exchange()
    with conducting(exchange, (timeouts or Timeouts()).adjust(asked.timeout)):
        return _register(Authenticator(device, exchange), asked, caller, rp_id)


def get(
    device: Ctap2,
    options: object,
    *,
    origin: object,
    cross_origin: bool = False,
    top_origin: object = None,
    mediation: str = "optional",
    exchange: Exchange | None = None,
    timeouts: Timeouts | None = None,
    is_here: Callable[[str, Sequence[bytes] | None], bool] | None = None,
) -> dict[str, Any]:
    """An authentication ceremony: `PublicKeyCredentialRequestOptionsJSON` in, `AuthenticationResponseJSON` out.

    `is_here` says, of an RP ID and the allowed credentials (None for any), whether one is in this authenticator. With
    it nobody is asked for a PIN only to be told that there is no passkey. Whoever gives it must then keep the page
    waiting (reason `no_passkey`), or the page learns from how quick the answer is.
    """
    caller = caller_of(origin, cross_origin=cross_origin, top_origin=top_origin)
    asked = read_request_options(options)
    rp_id = rp_id_for(caller, asked.rp_id)
    if mediation not in _BY_A_PERSON:
        # nothing here is drawn inside a page, which is where a conditional request would wait to be picked
        raise not_allowed(ClientReason.MEDIATION_UNSUPPORTED)
    exchange = exchange or Exchange()
    with conducting(exchange, (timeouts or Timeouts()).adjust(asked.timeout)):
        if is_here is not None and not is_here(rp_id, asked.allow):
            raise not_allowed(ClientReason.NO_PASSKEY)
        authenticator = Authenticator(device, exchange)
        extensions = AuthenticationExtensions(asked, authenticator, rp_id)
        data = client_data.serialise(client_data.GET, asked.challenge, caller)
        allowed = _allowed(authenticator, rp_id, extensions.allowed)
        request = {
            1: rp_id,
            2: sha256(data).digest(),
            3: allowed,
            4: extensions.inputs or None,
            5: _verification(authenticator, asked.user_verification),
        }
        answer = authenticator.send(GET_ASSERTION, request)
        facts = AuthenticatorData(answer[2])
        if asked.user_verification == "required" and not facts.is_user_verified():
            raise not_allowed(ClientReason.VERIFICATION_UNAVAILABLE)
        results = extensions.results(facts.extensions or {}, answer.get(7))
    # CTAP 2.1 §6.2.2: one allowed credential need not be named
    credential = answer.get(1) or (allowed or [{}])[0]
    user_handle = (answer.get(4) or {}).get("id")
    response = {
        "clientDataJSON": base64url.encode(data),
        "authenticatorData": base64url.encode(answer[2]),
        "signature": base64url.encode(answer[3]),
    }
    if user_handle:
        response["userHandle"] = base64url.encode(user_handle)
    return _credential(credential["id"], response, results)


def _register(authenticator: Authenticator, asked: CreationOptions, caller: Caller, rp_id: str) -> dict[str, Any]:
    algorithms = [one for one in asked.algorithms if one in authenticator.algorithms]
    if not algorithms:
        raise unsupported_algorithm()
    is_resident = asked.resident_key != "discouraged"
    extensions = RegistrationExtensions(asked, authenticator, is_resident=is_resident)
    data = client_data.serialise(client_data.CREATE, asked.challenge, caller)
    options = {"rk": is_resident} | _verification_to_register(authenticator, asked.user_verification, is_resident)
    request = {
        1: sha256(data).digest(),
        2: {"id": rp_id, "name": asked.rp_name},
        3: {"id": asked.user_handle, "name": asked.user_name, "displayName": asked.user_display_name},
        4: [{"alg": one, "type": "public-key"} for one in algorithms],
        5: _excluded(authenticator, rp_id, asked.exclude),
        6: extensions.inputs or None,
        7: options,
    }
    answer = authenticator.send(MAKE_CREDENTIAL, request)
    facts = AuthenticatorData(answer[2])
    if facts.credential_data is None:
        raise not_allowed(ClientReason.AUTHENTICATOR_FAILED, detail="a credential without its data")
    if asked.user_verification == "required" and not facts.is_user_verified():
        raise not_allowed(ClientReason.VERIFICATION_UNAVAILABLE)
    public_key = subject_public_key_info(facts.credential_data.public_key)
    response: dict[str, Any] = {
        "clientDataJSON": base64url.encode(data),
        "authenticatorData": base64url.encode(answer[2]),
        "attestationObject": base64url.encode(
            attestation_object(answer[1], answer[3], answer[2], asked.attestation),
        ),
        "publicKeyAlgorithm": facts.credential_data.public_key[3],
        "transports": list(TRANSPORTS),
    }
    if public_key is not None:
        response["publicKey"] = base64url.encode(public_key)
    results = extensions.results(facts.extensions or {}, answer.get(5))
    return _credential(facts.credential_data.credential_id, response, results)


def _credential(credential_id: bytes, response: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": base64url.encode(credential_id),
        "rawId": base64url.encode(credential_id),
        "type": "public-key",
        "authenticatorAttachment": ATTACHMENT,
        "response": response,
        "clientExtensionResults": results,
    }


def _verification(authenticator: Authenticator, wanted: str) -> dict[str, bool] | None:
    """CTAP option `uv`: built-in verification, that is, the Authenticator's own window asks."""
    if authenticator.can_verify and (wanted != "discouraged" or authenticator.options.get("alwaysUv") is True):
        return {"uv": True}
    if wanted == "required":
        raise not_allowed(ClientReason.VERIFICATION_UNAVAILABLE)
    return None


def _verification_to_register(authenticator: Authenticator, wanted: str, is_resident: bool) -> dict[str, bool]:
    """CTAP 2.1 §6.1.2, `makeCredUvNotRqd`: without verification only what is not discoverable is made."""
    may_skip = authenticator.options.get("makeCredUvNotRqd") is True and not is_resident
    stricter = wanted if may_skip or wanted != "discouraged" else "preferred"
    return _verification(authenticator, stricter) or {}


def _excluded(authenticator: Authenticator, rp_id: str, ids: Sequence[bytes]) -> list[dict[str, Any]] | None:
    lists = authenticator.lists(ids)
    if len(lists) <= 1:
        return lists[0] if lists else None
    # CTAP 2.1 §6.1.1: a list longer than it takes is looked through beforehand
    found = authenticator.find(rp_id, ids)
    return None if found is None else [{"id": found, "type": "public-key"}]


def _allowed(authenticator: Authenticator, rp_id: str, ids: Sequence[bytes] | None) -> list[dict[str, Any]] | None:
    if ids is None:
        return None
    lists = authenticator.lists(ids)
    if len(lists) > 1:
        found = authenticator.find(rp_id, ids)
        lists = [] if found is None else [[{"id": found, "type": "public-key"}]]
    if not lists:
        raise CtapError(CtapError.ERR.NO_CREDENTIALS)
    return lists[0]
