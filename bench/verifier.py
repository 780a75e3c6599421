"""What an assertion costs: our verifier and its peers, in raw P-256 verifications of the same run.

    python -m bench.verifier [--seconds S]

Every figure is CPU time. The raw verification is the physical limit: 1.0.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import webauthn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.webauthn import Aaguid as Fido2Aaguid
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    UserVerificationRequirement,
)
from tests.software_authenticator import SoftwareAuthenticator, cose_key

from ostiary import passkeys
from ostiary.passkeys import base64url, cbor, cose

RP_ID = "login.contoso.example"
ORIGIN = f"https://{RP_ID}"
CHALLENGE = bytes(range(32))
USER_HANDLE = bytes(32)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A credential record."""

    credential_id: bytes
    public_key: bytes
    sign_count: int = 0
    backup_eligible: bool = False
    user_handle: bytes = USER_HANDLE


def cpu_microseconds(work: Callable[[], object], seconds: float) -> float:
    """CPU of one call, the best of five rounds: what disturbs a measurement only ever adds."""
    work()
    best, calls = float("inf"), 1
    for _ in range(5):
        start = time.process_time()
        for _ in range(calls):
            work()
        spent = time.process_time() - start
        best = min(best, spent / calls)
        calls = max(1, int(seconds / 5 / max(best, 1e-7)))
    return best * 1e6


def make_assertion(algorithm: int) -> tuple[dict[str, Any], Record]:
    """An honest assertion and the record to judge it by."""
    authenticator = SoftwareAuthenticator(algorithm=algorithm)
    creation = passkeys.creation_options(
        challenge=CHALLENGE,
        rp_id=RP_ID,
        rp_name="Contoso",
        user_handle=USER_HANDLE,
        user_name="ada",
        user_display_name="Ada",
    )
    authenticator.create(creation, ORIGIN)
    credential = authenticator.credentials[0]
    data = authenticator.get(passkeys.request_options(challenge=CHALLENGE, rp_id=RP_ID), ORIGIN)
    public_key = cose_key(credential.private_key, algorithm)
    return data, Record(credential_id=credential.id, public_key=public_key)


def ours(data: dict[str, Any], record: Record) -> Callable[[], object]:
    def work() -> object:
        return passkeys.verify_authentication(
            response=passkeys.parse_authentication_response(data),
            challenge=CHALLENGE,
            origins=(ORIGIN,),
            rp_id=RP_ID,
            credential=record,
        )

    return work


def py_webauthn(data: dict[str, Any], record: Record) -> Callable[[], object]:
    def work() -> object:
        return webauthn.verify_authentication_response(
            credential=data,
            expected_challenge=CHALLENGE,
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            credential_public_key=record.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )

    return work


def python_fido2(data: dict[str, Any], record: Record) -> Callable[[], object]:
    server = Fido2Server(PublicKeyCredentialRpEntity(id=RP_ID, name="Contoso"))
    state = {"challenge": base64url.encode(CHALLENGE), "user_verification": UserVerificationRequirement.REQUIRED}
    parameters = cbor.decode(record.public_key)
    assert isinstance(parameters, dict)
    known = AttestedCredentialData.create(
        Fido2Aaguid(bytes(16)),
        record.credential_id,
        CoseKey.parse(parameters),  # type: ignore[arg-type]
    )

    def work() -> object:
        return server.authenticate_complete(state, [known], AuthenticationResponse.from_dict(data))

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU to spend on each line")
    seconds = parser.parse_args().seconds

    key, message, ecdsa = ec.generate_private_key(ec.SECP256R1()), bytes(69), ec.ECDSA(hashes.SHA256())
    signature, public_key = key.sign(message, ecdsa), key.public_key()
    raw = cpu_microseconds(lambda: public_key.verify(signature, message, ecdsa), seconds)
    print(f"raw P-256 verification: {raw:.1f} us of CPU, {1e6 / raw:,.0f} per CPU-second\n")

    data, record = make_assertion(-7)
    text = json.dumps(data)

    def key_loaded() -> object:
        cose.load_public_key.cache_clear()
        return ours(data, record)()

    lines: list[tuple[str, Callable[[], object]]] = [
        ("ours, ES256, key cached", ours(data, record)),
        ("ours, ES256, key cached, JSON text decoded", lambda: (json.loads(text), ours(data, record)())),
        ("ours, ES256, key loaded", key_loaded),
        ("ours, RS256, key cached", ours(*make_assertion(-257))),
        ("ours, Ed25519, key cached", ours(*make_assertion(-8))),
        ("webauthn, ES256", py_webauthn(data, record)),
        ("fido2, ES256", python_fido2(data, record)),
    ]
    for name, work in lines:
        spent = cpu_microseconds(work, seconds)
        print(f"{name:<44} {spent:8.1f} us {spent / raw:6.2f} x raw")


if __name__ == "__main__":
    main()
