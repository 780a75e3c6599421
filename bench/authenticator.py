"""What the Authenticator's engine costs, in raw P-256 signatures of the same run.

    python -m bench.authenticator [--seconds S]

Every figure is CPU time of this process, kernel included. The keys are in a sealed file store on the disk, unlocked;
the sign count is durable. The raw signature is the physical limit: 1.0.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor

from bench.verifier import cpu_microseconds
from ostiary.authenticator import AutomaticVerifier, Engine
from ostiary.authenticator.keys import SealedKeyStore, pin_hash
from ostiary.clock import system_clock

RP_ID: Final = "login.contoso.example"
HASH: Final = hashlib.sha256(b"client data").digest()
ES256: Final = -7
EDDSA: Final = -8


def command(number: int, fields: dict[int, object]) -> bytes:
    return bytes((number,)) + cbor.encode(fields)


def creation(user: bytes, algorithm: int) -> bytes:
    return command(
        0x01,
        {
            1: HASH,
            2: {"id": RP_ID, "name": "Contoso"},
            3: {"id": user, "name": "ada@contoso.example", "displayName": "Ada"},
            4: [{"alg": algorithm, "type": "public-key"}],
            7: {"rk": True, "uv": True},
        },
    )


def succeed(engine: Engine, request: bytes) -> Callable[[], bytes]:
    def work() -> bytes:
        answer = engine.ctap2(request)
        if answer[0] != 0:
            raise SystemExit(f"status {answer[0]:#04x}")
        return answer

    return work


def register(engine: Engine, user: bytes, algorithm: int) -> bytes:
    """The new credential's ID."""
    answer = cbor.decode(succeed(engine, creation(user, algorithm))()[1:])
    assert isinstance(answer, dict)
    data: bytes = answer[2]
    return data[55 : 55 + int.from_bytes(data[53:55], "big")]


def assertion(credential_id: bytes | None) -> bytes:
    fields: dict[int, object] = {1: RP_ID, 2: HASH, 5: {"uv": True}}
    if credential_id is not None:
        fields[3] = [{"id": credential_id, "type": "public-key"}]
    return command(0x02, fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU to spend on each line")
    parser.add_argument("--directory", type=Path, help="where to make the key store (default: a temporary directory)")
    arguments = parser.parse_args()

    key, message, ecdsa = ec.generate_private_key(ec.SECP256R1()), bytes(69), ec.ECDSA(hashes.SHA256())
    raw = cpu_microseconds(lambda: key.sign(message, ecdsa), arguments.seconds)
    print(f"raw P-256 signature: {raw:.1f} us of CPU, {1e6 / raw:,.0f} per CPU-second\n")

    with (
        tempfile.TemporaryDirectory(dir=arguments.directory) as directory,
        SealedKeyStore.open(Path(directory) / "keys", clock=system_clock) as keys,
    ):
        keys.set_pin(pin_hash("123456"), length=6)
        engine = Engine(keys=keys, verifier=AutomaticVerifier(can_choose=True))
        passkey = register(engine, b"ada", ES256)
        other = register(engine, b"grace", EDDSA)
        lines: list[tuple[str, Callable[[], object]]] = [
            ("getAssertion, ES256, named", succeed(engine, assertion(passkey))),
            ("getAssertion, EdDSA, named", succeed(engine, assertion(other))),
            ("getAssertion, ES256, one of two chosen", succeed(engine, assertion(None))),
            ("getInfo", succeed(engine, b"\x04")),
            ("makeCredential, ES256, written to the disk", succeed(engine, creation(b"ada", ES256))),
        ]
        for name, work in lines:
            spent = cpu_microseconds(work, arguments.seconds)
            print(f"{name:<44} {spent:8.1f} us {spent / raw:6.2f} x raw")


if __name__ == "__main__":
    main()
