"""The other end of CTAP for tests: sends commands to an engine and reads its answers, with `fido2`'s PIN protocols."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from fido2 import cbor
from fido2.cose import CoseKey
from fido2.ctap import CtapError
from fido2.ctap2.pin import PinProtocol, PinProtocolV1, PinProtocolV2

from ostiary.authenticator import AutomaticVerifier, Engine, Exchange, KeyStore
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.keys import memory_key_store

Status = CtapError.ERR

MAKE_CREDENTIAL, GET_ASSERTION, GET_INFO, CLIENT_PIN, RESET, GET_NEXT_ASSERTION = 0x01, 0x02, 0x04, 0x06, 0x07, 0x08
CREDENTIAL_MANAGEMENT, SELECTION, LARGE_BLOBS, CONFIG = 0x0A, 0x0B, 0x0C, 0x0D

RP_ID: Final = "login.contoso.example"
HASH: Final = hashlib.sha256(b"client data").digest()
PIN: Final = "123456"
ES256: Final = {"alg": -7, "type": "public-key"}
EDDSA: Final = {"alg": -8, "type": "public-key"}
PROTOCOLS: Final[tuple[PinProtocol, ...]] = (PinProtocolV1(), PinProtocolV2())


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class Refusal(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"{status:#04x} {Status(status).name}")
        self.status = status


def _fail(fault: Exception) -> NoReturn:
    raise AssertionError("the engine met with a fault") from fault


class Platform:
    """An engine, all that is around it, and what a platform does with it. A fault in the engine fails the test."""

    def __init__(
        self,
        *,
        pin: str | None = None,
        verifier: AutomaticVerifier | None = None,
        keys: KeyStore | None = None,
        protocol: PinProtocol = PROTOCOLS[1],
    ) -> None:
        self.clock = Clock()
        self.keys = keys or memory_key_store(pin=pin, clock=self.clock)
        self.verifier = verifier or AutomaticVerifier()
        self.protocol = protocol
        self.start()

    def start(self) -> None:
        """The engine; also as after its restart."""
        self.engine = Engine(keys=self.keys, verifier=self.verifier, clock=self.clock, on_fault=_fail)

    def status(self, number: int, fields: dict[int, Any] | None = None, exchange: Exchange | None = None) -> int:
        request = bytes((number,)) + (b"" if fields is None else cbor.encode(fields))
        self.answer = self.engine.ctap2(request, exchange)
        return Status(self.answer[0])

    def send(self, number: int, fields: dict[int, Any] | None = None) -> dict[int, Any]:
        status = self.status(number, fields)
        if status:
            raise Refusal(status)
        content = self.answer[1:]
        if not content:
            return {}
        decoded = cbor.decode(content)
        assert cbor.encode(decoded) == content  # canonical
        assert isinstance(decoded, dict)
        return decoded

    # the PIN

    def shared_secret(self) -> tuple[dict[int, Any], bytes]:
        found = self.send(CLIENT_PIN, {1: self.protocol.VERSION, 2: 0x02})
        public, secret = self.protocol.encapsulate(CoseKey.parse(found[1]))
        return dict(public), secret

    def pin_fields(self, subcommand: int, pin: str = PIN, **more: Any) -> dict[int, Any]:
        """Of a request for a token by PIN."""
        public, self.secret = self.shared_secret()
        encrypted = self.protocol.encrypt(self.secret, hashlib.sha256(pin.encode()).digest()[:16])
        return {1: self.protocol.VERSION, 2: subcommand, 3: public, 6: encrypted}

    def token(self, permissions: Permission, rp_id: str | None = None, pin: str = PIN) -> bytes:
        fields = self.pin_fields(0x09, pin) | {9: int(permissions)}
        if rp_id is not None:
            fields[10] = rp_id
        return self.protocol.decrypt(self.secret, self.send(CLIENT_PIN, fields)[2])

    def token_by_uv(self, permissions: Permission, rp_id: str | None = None) -> bytes:
        public, secret = self.shared_secret()
        fields = {1: self.protocol.VERSION, 2: 0x06, 3: public, 9: int(permissions)}
        if rp_id is not None:
            fields[10] = rp_id
        return self.protocol.decrypt(secret, self.send(CLIENT_PIN, fields)[2])

    def new_pin_fields(self, pin: str | bytes, old: str | None = None) -> dict[int, Any]:
        """Of setPIN, or with an old one, of changePIN."""
        public, secret = self.shared_secret()
        content: bytes = pin if isinstance(pin, bytes) else pin.encode().ljust(64, b"\0")
        encrypted = self.protocol.encrypt(secret, content)
        fields: dict[int, Any] = {1: self.protocol.VERSION, 2: 0x03, 3: public, 5: encrypted}
        message = encrypted
        if old is not None:
            fields[2] = 0x04
            fields[6] = self.protocol.encrypt(secret, hashlib.sha256(old.encode()).digest()[:16])
            message += fields[6]
        fields[4] = self.protocol.authenticate(secret, message)
        return fields

    def signed(
        self, token: bytes, fields: dict[int, Any], message: bytes, *, key: int, protocol_key: int
    ) -> dict[int, Any]:
        return fields | {key: self.protocol.authenticate(token, message), protocol_key: self.protocol.VERSION}

    # the commands, as a platform that means well sends them

    def creation(self, user: bytes = b"ada", rp_id: str = RP_ID, /, **options: bool) -> dict[int, Any]:
        return {
            1: HASH,
            2: {"id": rp_id, "name": "Contoso"},
            3: {"id": user, "name": f"{user.hex()}@contoso.example", "displayName": "Ada"},
            4: [ES256, EDDSA],
            7: options or {"rk": True, "uv": True},
        }

    def assertion(self, rp_id: str = RP_ID, /, **options: bool) -> dict[int, Any]:
        fields: dict[int, Any] = {1: rp_id, 2: HASH}
        return fields | {5: options} if options else fields

    def register(
        self,
        user: bytes = b"ada",
        rp_id: str = RP_ID,
        *,
        extensions: dict[str, Any] | None = None,
        **options: bool,
    ) -> "Registered":
        fields = self.creation(user, rp_id, **options)
        if extensions is not None:
            fields[6] = extensions
        return Registered.of(self.send(MAKE_CREDENTIAL, fields))

    def manage(self, token: bytes, number: int, parameters: dict[int, Any] | None = None) -> dict[int, Any]:
        """A subcommand of credential management with its token."""
        return self.send(CREDENTIAL_MANAGEMENT, self.management(token, number, parameters))

    def management(self, token: bytes, number: int, parameters: dict[int, Any] | None = None) -> dict[int, Any]:
        fields: dict[int, Any] = {1: number}
        message = bytes((number,))
        if parameters is not None:
            fields[2] = parameters
            message += cbor.encode(parameters)
        return self.signed(token, fields, message, key=4, protocol_key=3)

    def configuration(self, token: bytes, number: int, parameters: dict[int, Any] | None = None) -> dict[int, Any]:
        fields: dict[int, Any] = {1: number}
        message = b"\xff" * 32 + bytes((0x0D, number))
        if parameters is not None:
            fields[2] = parameters
            message += cbor.encode(parameters)
        return self.signed(token, fields, message, key=4, protocol_key=3)

    def writing(self, token: bytes, piece: bytes, offset: int, length: int | None = None) -> dict[int, Any]:
        """Of large blobs."""
        fields: dict[int, Any] = {2: piece, 3: offset}
        if length is not None:
            fields[4] = length
        message = b"\xff" * 32 + b"\x0c\x00" + offset.to_bytes(4, "little") + hashlib.sha256(piece).digest()
        return self.signed(token, fields, message, key=5, protocol_key=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Authenticator data, taken apart."""

    rp_id_hash: bytes
    flags: int
    sign_count: int
    aaguid: bytes = b""
    credential_id: bytes = b""
    public_key: dict[int, Any]
    extensions: dict[str, Any]

    @property
    def is_present(self) -> bool:
        return bool(self.flags & 0x01)

    @property
    def is_verified(self) -> bool:
        return bool(self.flags & 0x04)

    @classmethod
    def of(cls, data: bytes) -> "Data":
        rest, values = data[37:], {}
        public_key: Any = {}
        extensions: Any = {}
        if data[32] & 0x40:
            size = int.from_bytes(rest[16:18], "big")
            values = {"aaguid": rest[:16], "credential_id": rest[18 : 18 + size]}
            public_key, rest = cbor.decode_from(rest[18 + size :])
        if data[32] & 0x80:
            extensions, rest = cbor.decode_from(rest)
        assert rest == b""
        return cls(
            rp_id_hash=data[:32],
            flags=data[32],
            sign_count=int.from_bytes(data[33:37], "big"),
            public_key=public_key,
            extensions=extensions,
            **values,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What makeCredential answered."""

    id: bytes
    data: Data
    answer: dict[int, Any]

    @classmethod
    def of(cls, answer: dict[int, Any]) -> "Registered":
        data = Data.of(answer[2])
        return cls(id=data.credential_id, data=data, answer=answer)

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"id": self.id, "type": "public-key"}

    def verify(self, assertion: dict[int, Any]) -> Data:
        """The assertion's data, when this credential signed it."""
        CoseKey.parse(self.data.public_key).verify(assertion[2] + HASH, assertion[3])
        return Data.of(assertion[2])
