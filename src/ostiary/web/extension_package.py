"""Packs the browser extension as CRX3, signed by a key of this server's own, so that managed browsers install it from
here and from nowhere else.

A CRX3 file is a header and a ZIP archive (Chromium, components/crx_file/crx3.proto): "Cr24", the version, the header's
length, then as protocol buffers the public keys with their signatures and the extension's ID, which is the first half
of the key's hash. What is signed is that ID and the archive.
"""

import base64
import hashlib
import io
import json
import os
import secrets
import struct
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

import ostiary
from ostiary.identity.sealing import Sealer

EXTENSION_FILES: Final = Path(ostiary.__file__).with_name("browser_extension")
KEY_FILE: Final = "browser-extension.key"
_PURPOSE: Final = "browser extension signing key"
_SIGNED: Final = b"CRX3 SignedData\x00"
_LENGTH: Final = struct.Struct("<I")
_CRX_VERSION: Final = 3
# field numbers of CrxFileHeader, AsymmetricKeyProof and SignedData
_SHA256_WITH_RSA: Final = 2
_SIGNED_HEADER_DATA: Final = 10_000
_PUBLIC_KEY: Final = 1
_SIGNATURE: Final = 2
_CRX_ID: Final = 1
_ID_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Package:
    """`id` as browsers and policies spell it."""

    id: str
    version: str
    crx: bytes


class ExtensionPackage:
    """Made at its first use, and kept: its files do not change while we run."""

    def __init__(self, data: Path, sealer: Sealer, *, update_url: str) -> None:
        self._path = data / KEY_FILE
        self._sealer = sealer
        self._update_url = update_url
        self._making = threading.Lock()
        self._made: Package | None = None

    def get(self) -> Package:
        """Takes a moment the first time. Raises `SealBrokenError` when the key was sealed by another server."""
        with self._making:
            if self._made is None:
                self._made = pack(_signing_key(self._path, self._sealer), update_url=self._update_url)
            return self._made


def pack(key: rsa.RSAPrivateKey, *, update_url: str, files: Path = EXTENSION_FILES) -> Package:
    public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    manifest = json.loads((files / "manifest.json").read_text("utf-8"))
    # the ID is this key's, also for who unpacks it; and later versions come from where this one did
    manifest |= {"key": base64.b64encode(public_key).decode(), "update_url": update_url}
    archive = _archive(files, manifest)
    crx_id = hashlib.sha256(public_key).digest()[:_ID_LENGTH]
    signed_data = _field(_CRX_ID, crx_id)
    signature = key.sign(_SIGNED + _LENGTH.pack(len(signed_data)) + signed_data + archive, padding.PKCS1v15(), SHA256())
    proof = _field(_PUBLIC_KEY, public_key) + _field(_SIGNATURE, signature)
    header = _field(_SHA256_WITH_RSA, proof) + _field(_SIGNED_HEADER_DATA, signed_data)
    crx = b"Cr24" + _LENGTH.pack(_CRX_VERSION) + _LENGTH.pack(len(header)) + header + archive
    return Package(id=_spelled(crx_id), version=manifest["version"], crx=crx)


def _archive(files: Path, manifest: dict[str, object]) -> bytes:
    """The same bytes for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in files.rglob("*") if one.is_file()):
            name = path.relative_to(files).as_posix()
            octets = json.dumps(manifest, indent=2).encode() if name == "manifest.json" else path.read_bytes()
            archive.writestr(zipfile.ZipInfo(name), octets, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _spelled(crx_id: bytes) -> str:
    return crx_id.hex().translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited one (protobuf.dev, "Encoding")."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _signing_key(path: Path, sealer: Sealer) -> rsa.RSAPrivateKey:
    """Browsers know the extension by this key: another one would be another extension. So the first one made stays,
    whoever else was making one at the same time, and it lies sealed beside the database."""
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        plain = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        _keep(path, sealer.seal(plain, purpose=_PURPOSE))
    key = load_der_private_key(sealer.open(path.read_bytes(), purpose=_PURPOSE), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # nobody else could have sealed it
    return key


def _keep(path: Path, octets: bytes) -> None:
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
