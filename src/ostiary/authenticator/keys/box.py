"""What the app keeps in the store beside the credentials: `ports.SecretBox`, and the attestation identities."""

from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ostiary.authenticator.keys.contents import NamedKey
from ostiary.authenticator.keys.key_maker import ES256, KeyMaker, Signer
from ostiary.authenticator.keys.vault import Vault
from ostiary.authenticator.ports import AttestationIdentity

Value = TypeVar("Value")

_SECRET, _KEY = "secret", "key"


class Box:
    def __init__(self, vault: Vault, key_maker: KeyMaker) -> None:
        self._vault, self._key_maker = vault, key_maker
        self._mutex = RLock()
        self._named_signers: dict[str, Signer] = {}

    # secrets and notes

    def put_secret(self, name: str, value: bytes) -> None:
        with self._mutex:
            sealed = self._vault.seal(_SECRET, name.encode(), value)
            self._vault.change(secrets={**self._vault.contents.secrets, name: sealed})

    def secret(self, name: str) -> bytes | None:
        with self._mutex:
            sealed = self._vault.contents.secrets.get(name)
            if sealed is None:
                self._vault.require_unlocked()
                return None
            return self._vault.unseal(_SECRET, name.encode(), sealed)

    def delete_secret(self, name: str) -> None:
        with self._mutex:
            self._vault.change(secrets=_without(self._vault.contents.secrets, name))

    @property
    def secret_names(self) -> Sequence[str]:
        return tuple(sorted(self._vault.contents.secrets))

    def put_note(self, name: str, value: bytes) -> None:
        with self._mutex:
            self._vault.change(notes={**self._vault.contents.notes, name: value})

    def note(self, name: str) -> bytes | None:
        return self._vault.contents.notes.get(name)

    def delete_note(self, name: str) -> None:
        with self._mutex:
            self._vault.change(notes=_without(self._vault.contents.notes, name))

    # keys

    def generate_key(self, name: str) -> EllipticCurvePublicKey:
        with self._mutex:
            encoded = name.encode()
            made = self._key_maker.make(ES256, self._vault.key_authorization(encoded))
            sealed = self._vault.seal(_KEY, encoded, made.blob)
            public = made.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            self._vault.change(keys={**self._vault.contents.keys, name: NamedKey(sealed, public)})
            self._named_signers.pop(name, None)
            return _loaded(public)

    def public_key(self, name: str) -> EllipticCurvePublicKey | None:
        key = self._vault.contents.keys.get(name)
        return None if key is None else _loaded(key.public_key)

    def sign_with(self, name: str, message: bytes) -> bytes:
        with self._mutex:
            sign = self._named_signers.get(name)
            if sign is None:
                encoded = name.encode()
                authorization = self._vault.key_authorization(encoded)
                blob = self._vault.unseal(_KEY, encoded, self._vault.contents.keys[name].sealed)
                sign = self._named_signers[name] = self._key_maker.load(ES256, blob, authorization)
        return sign(message)

    def delete_key(self, name: str) -> None:
        with self._mutex:
            self._vault.change(keys=_without(self._vault.contents.keys, name))
            self._named_signers.pop(name, None)

    # attestation

    def attestation_for(self, rp_id: str) -> AttestationIdentity | None:
        return next((found for found in self._vault.contents.identities if rp_id in found.rp_ids), None)

    def sign_attestation(self, identity: AttestationIdentity, message: bytes) -> bytes:
        return self.sign_with(identity.private_key_handle.decode(), message)

    def enrol(self, identity: AttestationIdentity) -> None:
        with self._mutex:
            if identity.private_key_handle.decode() not in self._vault.contents.keys:
                raise KeyError(identity.private_key_handle.decode())
            self._keep_identities(lambda other: not other.rp_ids & identity.rp_ids, identity)

    def forget_attestation(self, rp_id: str) -> None:
        with self._mutex:
            self._keep_identities(lambda other: rp_id not in other.rp_ids)

    def _keep_identities(self, stays: Callable[[AttestationIdentity], bool], *more: AttestationIdentity) -> None:
        """Those that stay, and no private key that served the others alone."""
        before = self._vault.contents.identities
        after = (*filter(stays, before), *more)
        unused = {one.private_key_handle for one in before} - {one.private_key_handle for one in after}
        keys = self._vault.contents.keys
        for handle in unused:
            keys = _without(keys, handle.decode())
            self._named_signers.pop(handle.decode(), None)
        self._vault.change(identities=after, keys=keys)


def _without(values: Mapping[str, Value], name: str) -> dict[str, Value]:
    return {other: value for other, value in values.items() if other != name}


def _loaded(public: bytes) -> EllipticCurvePublicKey:
    key = load_der_public_key(public)
    assert isinstance(key, EllipticCurvePublicKey)
    return key
