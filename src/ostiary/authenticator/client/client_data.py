"""Collected client data, byte for byte as WebAuthn L3 §5.8.1.1 has it, so that a limited verifier can read it."""

from ostiary.authenticator.client import base64url
from ostiary.authenticator.client.origin import Caller

CREATE = "webauthn.create"
GET = "webauthn.get"


def serialise(type: str, challenge: bytes, caller: Caller) -> bytes:
    cross_origin = "true" if caller.cross_origin else "false"
    members = [
        f'"type":{_quoted(type)}',
        f'"challenge":{_quoted(base64url.encode(challenge))}',
        f'"origin":{_quoted(caller.origin)}',
        f'"crossOrigin":{cross_origin}',
    ]
    if caller.cross_origin and caller.top_origin is not None:
        members.append(f'"topOrigin":{_quoted(caller.top_origin)}')
    return ("{" + ",".join(members) + "}").encode("utf-8")


def _quoted(text: str) -> str:
    """CCDToString: only what JSON insists on is escaped."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character < " ":
        return f"\\u{ord(character):04x}"
    return character
