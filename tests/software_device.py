"""An honest Ostiary Authenticator in software, for tests: a device key that signs what the server's connection asks.

Everything is really signed. What a test wants to be wrong is said by name, so that only the wrong thing is wrong.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.passkeys import base64url

PATH: Final = "/v1.0/ostiary/authenticator/connection"
MODEL = "36b6d75b-7c4f-4cb5-9c0d-a65f9d280624"


@dataclass
class SoftwareDevice:
    origin: str
    id: str = ""  # the sign-in method's, once it is registered
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def jwk(self) -> dict[str, object]:
        point = self.point
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": base64url.encode(point[1:33]),
            "y": base64url.encode(point[33:]),
        }

    def sign(self, message: bytes) -> str:
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return base64url.encode(r.to_bytes(32) + s.to_bytes(32))

    def hello(self, challenge: dict[str, Any], **instead: Any) -> dict[str, Any]:
        """The greeting that answers a challenge."""
        origin = instead.pop("origin", self.origin)
        nonce = base64url.decode(challenge["nonce"])
        signed = b"ostiary authenticator connection v1\0" + origin.encode() + b"\0" + nonce
        return {"type": "hello", "device": self.id, "signature": self.sign(signed), **instead}

    def answer(
        self,
        approval: dict[str, Any],
        number: str | None = None,
        *,
        decision: str = "approve",
        is_verified: bool = True,
        **instead: Any,
    ) -> dict[str, Any]:
        """What the person decided about an approval; `signed` members are signed otherwise than they are sent."""
        origin, signed = instead.pop("origin", self.origin), instead.pop("signed", {})
        said = {
            "id": approval["id"],
            "nonce": approval["nonce"],
            "decision": decision,
            "number": number,
            "is_verified": is_verified,
            "origin": origin,
            **signed,
        }
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        message = {
            "type": "answer",
            "id": approval["id"],
            "decision": decision,
            "number": number,
            "is_verified": is_verified,
            "signature": self.sign(b"ostiary authenticator approval v1\0" + text.encode()),
        }
        return message | instead
