"""The `packed` attestation statement (WebAuthn L3 §8.2): by this Authenticator's attestation key where an organisation
enrolled it, for that organisation alone, and by the credential's own key elsewhere."""

from typing import Any, Final

from ostiary.authenticator.ports import Credential, KeyStore

_ES256: Final = -7


def attest(keys: KeyStore, credential: Credential, message: bytes) -> dict[int | str, Any]:
    """`message` is authenticator data and the client data's hash. Raises `Locked`."""
    identity = keys.attestation_for(credential.rp_id)
    if identity is None:
        return {"alg": credential.algorithm, "sig": keys.sign(credential.id, message)}
    return {
        "alg": _ES256,
        "sig": keys.sign_attestation(identity, message),
        "x5c": list(identity.certificates),
    }
