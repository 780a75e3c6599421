"""Keys made in and bound to a TPM 2.0, over Debian's tpm2-tss and its Python face (`tpm2-pytss`, an extra).

Everything hangs on a storage key that the TPM derives from its owner's seed, the same at each start and never in
another TPM. A key is a pair of TPM2B_PUBLIC and TPM2B_PRIVATE, encrypted by the TPM; it is loaded for one signature and
flushed, for a TPM has room for three. Commands are authorized by one session salted to the storage key, which also
encrypts what is secret on the way (TPM 2.0 Library, Part 1, §19 and §21).

    make, load      credentials' keys. Their authorization comes from the store's data key, so it need not be counted
    bind, unbind    the share of the PIN: every wrong PIN counts in the TPM's own dictionary attack logic
    seal, unseal    the device key, to this TPM and to nothing else
"""

import importlib
import os
from collections.abc import Callable, Sequence
from threading import Lock
from types import ModuleType
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ostiary.authenticator import models
from ostiary.authenticator.keys.errors import KeyStoreDamaged, KeyStoreReason, KeyStoreUnavailable
from ostiary.authenticator.keys.key_maker import ES256, MadeKey, Signer, WrongAuthorization

DEFAULT_TCTI: Final = "device:/dev/tpmrm0"

# TPM 2.0 Library, Part 2, §6.6.3: what an answer means, whichever parameter or handle it is about.
_AUTH_FAIL, _BAD_AUTH, _INTEGRITY, _LOCKOUT = 0x08E, 0x0A2, 0x09F, 0x921
_FORMAT_ONE, _OTHER_LAYER = 0x080, 0x10000
"""Part 2, §6.6.2: about something that the TPM was given. Above that, the library or the way to the TPM failed."""

Answer = TypeVar("Answer")


class TpmKeys:
    """A key maker, and a place to seal the device key. Raises `KeyStoreUnavailable`."""

    aaguid = models.TPM

    def __init__(self, tcti: str = DEFAULT_TCTI) -> None:
        self._tcti = tcti
        self._library = _library()
        self._constants = importlib.import_module("tpm2_pytss.constants")
        self._mutex = Lock()
        self._esapi: Any = None
        self._is_closed = False
        self._run(lambda: None)

    @property
    def algorithms(self) -> Sequence[int]:
        return (ES256,)

    def make(self, algorithm: int, authorization: bytes) -> MadeKey:
        if algorithm != ES256:
            raise ValueError(f"A TPM signs by ES256, not by {algorithm}.")
        blob, public = self._run(lambda: self._create("ecc256:ecdsa-sha256", "signs", authorization))
        key = load_pem_public_key(public.to_pem())
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return MadeKey(blob, key)

    def load(self, algorithm: int, blob: bytes, authorization: bytes) -> Signer:
        def sign(message: bytes) -> bytes:
            digest = Hash(SHA256())
            digest.update(message)
            return self._use(blob, authorization, self._sign, digest.finalize())

        return sign

    def bind(self, secret: bytes, authorization: bytes) -> bytes:
        return self._run(lambda: self._create("keyedhash", "counts tries", authorization, secret))[0]

    def unbind(self, bound: bytes, authorization: bytes) -> bytes:
        return self._use(bound, authorization, self._unseal)

    def seal(self, secret: bytes) -> bytes:
        return self._run(lambda: self._create("keyedhash", "opens here", b"", secret))[0]

    def unseal(self, sealed: bytes) -> bytes:
        return self._use(sealed, b"", self._unseal)

    def close(self) -> None:
        with self._mutex:
            self._is_closed = True
            self._disconnect()

    # inside, under the mutex

    def _run(self, command: Callable[[], Answer]) -> Answer:
        """Once more over a new connection when the TPM was restarted meanwhile."""
        with self._mutex:
            if self._esapi is not None:
                try:
                    return command()
                except self._library.TSS2_Exception as error:
                    if error.error in (_AUTH_FAIL, _BAD_AUTH, _INTEGRITY, _LOCKOUT):
                        raise self._explained(error) from error
                    self._disconnect()
            try:
                if self._is_closed:
                    raise RuntimeError("it was closed")
                self._connect()
                return command()
            except (self._library.TSS2_Exception, OSError, RuntimeError, ValueError) as error:
                self._disconnect()
                raise self._explained(error) from error

    def _connect(self) -> None:
        constants = self._constants
        self._esapi = self._library.ESAPI(self._tcti)
        self._storage_key, *_ = self._esapi.create_primary(
            None, self._template("ecc256:aes128cfb", "holds keys"), constants.ESYS_TR.OWNER
        )
        self._session = self._esapi.start_auth_session(
            tpm_key=self._storage_key,
            bind=constants.ESYS_TR.NONE,
            session_type=constants.TPM2_SE.HMAC,
            symmetric="aes128cfb",
            auth_hash=constants.TPM2_ALG.SHA256,
        )

    def _disconnect(self) -> None:
        esapi, self._esapi = self._esapi, None
        if esapi is None:
            return
        for handle in (getattr(self, "_session", None), getattr(self, "_storage_key", None)):
            if handle is not None:
                try:
                    esapi.flush_context(handle)
                except self._library.TSS2_Exception:
                    break  # the TPM is gone, and what it held with it
        self._session = self._storage_key = None
        esapi.close()

    def _create(self, kind: str, purpose: str, authorization: bytes, secret: bytes = b"") -> tuple[bytes, Any]:
        self._encrypt(command=True, answer=True)
        private, public, *_ = self._esapi.create(
            self._storage_key,
            self._library.TPM2B_SENSITIVE_CREATE(
                self._library.TPMS_SENSITIVE_CREATE(userAuth=authorization, data=secret)
            ),
            self._template(kind, purpose),
            session1=self._session,
        )
        return public.marshal() + private.marshal(), public

    def _use(self, blob: bytes, authorization: bytes, command: Callable[..., bytes], *arguments: bytes) -> bytes:
        try:
            public, size = self._library.TPM2B_PUBLIC.unmarshal(blob)
            private, _ = self._library.TPM2B_PRIVATE.unmarshal(blob[size:])
        except (self._library.TSS2_Exception, ValueError) as error:
            raise KeyStoreDamaged("What the TPM made for the key store was changed.") from error

        def load_and_use() -> bytes:
            self._encrypt(command=True, answer=True)
            handle = self._esapi.load(self._storage_key, private, public, session1=self._session)
            try:
                self._esapi.tr_set_auth(handle, authorization)
                return command(handle, *arguments)
            finally:
                self._esapi.flush_context(handle)

        return self._run(load_and_use)

    def _sign(self, handle: Any, digest: bytes) -> bytes:
        library, constants = self._library, self._constants
        scheme = library.TPMT_SIG_SCHEME(scheme=constants.TPM2_ALG.ECDSA)
        scheme.details.ecdsa.hashAlg = constants.TPM2_ALG.SHA256
        self._encrypt(command=True, answer=False)  # the answer begins with a number, which cannot be encrypted
        # Its parts lie in its memory, so it must outlive them.
        made = self._esapi.sign(handle, digest, scheme, session1=self._session)
        r = int.from_bytes(bytes(made.signature.ecdsa.signatureR), "big")
        s = int.from_bytes(bytes(made.signature.ecdsa.signatureS), "big")
        return encode_dss_signature(r, s)

    def _unseal(self, handle: Any) -> bytes:
        self._encrypt(command=False, answer=True)
        return bytes(self._esapi.unseal(handle, session1=self._session))

    def _encrypt(self, *, command: bool, answer: bool) -> None:
        flags = self._constants.TPMA_SESSION
        wanted = flags.CONTINUESESSION
        if command:
            wanted |= flags.DECRYPT
        if answer:
            wanted |= flags.ENCRYPT
        self._esapi.trsess_set_attributes(self._session, wanted)

    def _template(self, kind: str, purpose: str) -> Any:
        a = self._constants.TPMA_OBJECT
        here = a.FIXEDTPM | a.FIXEDPARENT | a.USERWITHAUTH
        attributes = {
            "holds keys": here | a.RESTRICTED | a.DECRYPT | a.SENSITIVEDATAORIGIN | a.NODA,
            "signs": here | a.SIGN_ENCRYPT | a.SENSITIVEDATAORIGIN | a.NODA,
            "counts tries": here,
            "opens here": here | a.NODA,
        }
        return self._library.TPM2B_PUBLIC.parse(kind, objectAttributes=attributes[purpose])

    def _explained(self, error: Exception) -> Exception:
        code = getattr(error, "error", None)
        if code in (_AUTH_FAIL, _BAD_AUTH):
            return WrongAuthorization()
        if code is not None and code & _FORMAT_ONE and code < _OTHER_LAYER:
            return KeyStoreUnavailable(
                KeyStoreReason.TPM_OTHER,
                "This TPM did not make this key store, or was cleared since; or its files were changed.",
                next_step="Use the computer it was made on, or a backup of its files. If its TPM was cleared, delete "
                "the key store and register new passkeys.",
            )
        if code == _LOCKOUT:
            return KeyStoreUnavailable(
                KeyStoreReason.TPM_LOCKED_OUT,
                "The TPM takes no PIN for now: too many were wrong.",
                next_step="Leave the computer on and wait; it forgets one wrong PIN every few minutes to hours. "
                "tpm2_getcap properties-variable says when.",
            )
        return KeyStoreUnavailable(
            KeyStoreReason.TPM_UNAVAILABLE,
            f"The TPM does not answer at {self._tcti}: {error}.",
            next_step="Look whether the computer has a TPM 2.0 that is switched on, and whether you may use it "
            "(group tss); or use a sealed file instead.",
        )


def _library() -> ModuleType:
    os.environ.setdefault("TSS2_LOG", "all+none")  # it would write to the terminal; every error is raised as well
    try:
        return importlib.import_module("tpm2_pytss")
    except (ImportError, OSError) as error:
        raise KeyStoreUnavailable(
            KeyStoreReason.TPM_LIBRARY_MISSING,
            "What speaks to a TPM is not installed.",
            next_step="On Debian: sudo apt-get install libtss2-dev gcc pkg-config; then pip install 'ostiary[tpm]'.",
        ) from error
