"""A person's Ostiary Authenticator registers its device key, and from then on approves sign-ins.

The app calls it for an account it has just signed in to (`web.graph`); how fresh that proof is, the caller decides.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.assurance import MethodKind
from ostiary.identity.caller import Caller
from ostiary.identity.names import name_key, parse_name, suggest_name
from ostiary.identity.policy import enforcing
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import Aaguid
from ostiary.passkeys.base64url import decode
from ostiary.passkeys.metadata import OWN_MODELS
from ostiary.storage import approvals, methods, people
from ostiary.storage.approvals import AuthenticatorDevice
from ostiary.storage.database import Transaction
from ostiary.storage.methods import SignInMethod
from ostiary.storage.people import Person

MOST_AUTHENTICATORS: Final = 5
_COORDINATE: Final = 32
_LONGEST_WORD: Final = 40  # of a version or a platform


class Authenticator(NamedTuple):
    """One that is registered: the method, and what the app says of itself."""

    method: SignInMethod
    device: AuthenticatorDevice


def require_room(tx: Transaction, person: Person) -> None:
    """What freshness cannot cure: policy, or too many already. Raises `Refusal`."""
    enforcing.require_may_add(tx, person.id, MethodKind.AUTHENTICATOR)
    if methods.kinds_of(tx, person.id).get(MethodKind.AUTHENTICATOR, 0) >= MOST_AUTHENTICATORS:
        raise Refusal(Reason.AUTHENTICATOR_LIMIT, person_id=person.id)


def register_authenticator(
    tx: Transaction,
    person: Person,
    *,
    display_name: str,
    device_key: Mapping[str, object] | bytes,
    model: str,
    app_version: str,
    platform: str,
    caller: Caller,
    now: int,
) -> Authenticator:
    """Keeps the device as a sign-in method of `person`, who has just proven who they are.

    `device_key`: a JWK (RFC 7517, EC P-256) or a point as SEC 1 §2.3.3 writes it. A name that is taken gets a number.
    Registering the same key again answers the method there is, for the first answer may have been lost.

    Raises `Refusal`: policy, too many, a key that is none or another person's, words that cannot be shown.
    """
    public_key = parse_device_key(device_key)
    name = parse_name(display_name)
    aaguid = _model(model)
    version, system = _word(app_version, "appVersion"), _word(platform, "platform")
    methods.hold_person(tx, person.id)
    known = approvals.device_by_key(tx, public_key)
    if known is not None:
        if known.person_id != person.id:
            raise Refusal(Reason.DEVICE_KEY_TAKEN, person_id=person.id)
        enforcing.require_may_add(tx, person.id, MethodKind.AUTHENTICATOR)
        approvals.set_app(tx, known.method_id, app_version=version, platform=system)
        method = methods.method_of(tx, person_id=person.id, method_id=known.method_id)
        assert method is not None  # a device goes with its method
        return Authenticator(method, known._replace(app_version=version, platform=system))
    require_room(tx, person)
    taken = {method.name_key for method in methods.methods_of(tx, person.id) if method.name_key}
    name = suggest_name((name,), taken)
    method = SignInMethod(new_id(), person.id, MethodKind.AUTHENTICATOR, name, name_key(name), now, None, None)
    methods.insert_method(tx, method)
    device = AuthenticatorDevice(method.id, person.id, public_key, aaguid, version, system, None)
    approvals.insert_device(tx, device)
    if person.preferred_second_factor is None:
        people.set_preferred_second_factor(tx, person.id, MethodKind.AUTHENTICATOR)
    audit.record(
        tx,
        audit.Event.AUTHENTICATOR_ADD,
        caller=caller,
        now=now,
        actor=person,
        target=person,
        method_id=method.id,
        method=name,
        aaguid=aaguid,
    )
    return Authenticator(method, device)


def authenticators_of(tx: Transaction, person_id: str) -> tuple[Authenticator, ...]:
    """Oldest first."""
    owned = {method.id: method for method in methods.methods_of(tx, person_id)}
    return tuple(Authenticator(owned[device.method_id], device) for device in approvals.devices_of(tx, person_id))


def parse_device_key(key: Mapping[str, object] | bytes) -> bytes:
    """The point, uncompressed; on the curve. Raises `Refusal(DEVICE_KEY_INVALID)`."""
    try:
        encoded = key if isinstance(key, bytes) else _point_of_jwk(key)
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refusal(Reason.DEVICE_KEY_INVALID, field="deviceKey") from error
    return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _point_of_jwk(jwk: Mapping[str, object]) -> bytes:
    """RFC 7518 §6.2.1. One that brings its private part (§6.2.2) is refused: that key is no secret any more."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
        raise ValueError("not a public P-256 key")
    point = b"\x04"
    for name in ("x", "y"):
        text = jwk.get(name)
        if not isinstance(text, str):
            raise ValueError(f"{name} is no text")  # noqa: TRY004 one kind of error for whatever is wrong with it
        coordinate = decode(text)
        if len(coordinate) != _COORDINATE:
            raise ValueError(f"{name} has {len(coordinate)} bytes")
        point += coordinate
    return point


def _model(text: str) -> str:
    """One of ours: no other kind of app approves, and its owner is told its name."""
    try:
        model = Aaguid.parse(text.strip().lower())
    except ValueError as error:
        raise Refusal(Reason.DEVICE_INVALID, field="model") from error
    if model not in OWN_MODELS:
        raise Refusal(Reason.DEVICE_INVALID, field="model")
    return str(model)


def _word(text: str, field: str) -> str:
    word = unicodedata.normalize("NFKC", text).strip()
    if not 1 <= len(word) <= _LONGEST_WORD or not word.isprintable():
        raise Refusal(Reason.DEVICE_INVALID, field=field)
    return word
