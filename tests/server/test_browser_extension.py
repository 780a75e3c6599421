"""The extension as an organisation's managed browsers get it: packed, signed, and described."""

import hashlib
import io
import json
import shlex
import stat
import struct
import threading
import zipfile
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ostiary import __version__
from ostiary.identity.sealing import SealBrokenError, Sealer
from ostiary.web.extension_package import EXTENSION_FILES, KEY_FILE, ExtensionPackage
from tests.organisation import Organisation

UPDATES = "https://login.contoso.example/authenticator/extension/update.xml"


def fields(octets: bytes) -> dict[int, bytes]:
    """A protocol buffer of length-delimited fields, read by the book."""
    found = {}
    while octets:
        tag, octets = varint(octets)
        assert tag & 7 == 2
        length, octets = varint(octets)
        found[tag >> 3], octets = octets[:length], octets[length:]
    return found


def varint(octets: bytes) -> tuple[int, bytes]:
    value = shift = 0
    for position, octet in enumerate(octets):
        value |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            return value, octets[position + 1 :]
    raise AssertionError("a number without an end")


def opened(crx: bytes) -> tuple[str, zipfile.ZipFile]:
    """The ID and the files, once the signature is verified as a browser does."""
    magic, version, length = struct.unpack("<4sII", crx[:12])
    assert (magic, version) == (b"Cr24", 3)
    header, archive = fields(crx[12 : 12 + length]), crx[12 + length :]
    proof, signed_data = fields(header[2]), header[10_000]
    crx_id = hashlib.sha256(proof[1]).digest()[:16]
    assert fields(signed_data) == {1: crx_id}
    key = load_der_public_key(proof[1])
    assert isinstance(key, rsa.RSAPublicKey)
    signed = b"CRX3 SignedData\x00" + struct.pack("<I", len(signed_data)) + signed_data + archive
    key.verify(proof[2], signed, padding.PKCS1v15(), SHA256())
    return "".join(chr(ord("a") + int(digit, 16)) for digit in crx_id.hex()), zipfile.ZipFile(io.BytesIO(archive))


def a_package(directory: Path, key: bytes = b"k" * 32) -> ExtensionPackage:
    return ExtensionPackage(directory, Sealer(key), update_url=UPDATES)


def test_a_browser_finds_its_way_from_the_policy_to_the_extension(org: Organisation) -> None:
    policy = org.client.get("/authenticator/extension/policy.json").json()
    (forced,) = policy["ExtensionInstallForcelist"]
    id, _, updates = forced.partition(";")
    assert policy["NativeMessagingAllowlist"] == ["org.ostiary.authenticator"]

    answer = org.client.get(updates.removeprefix(org.site.relying_party.origins[0]))
    assert answer.headers["content-type"].startswith("text/xml")
    names = {"update": "http://www.google.com/update2/response"}
    app = ElementTree.fromstring(answer.text).find("update:app", names)
    assert app is not None
    assert app.attrib["appid"] == id
    check = app.find("update:updatecheck", names)
    assert check is not None
    assert check.attrib["version"] == __version__

    answer = org.client.get(check.attrib["codebase"].removeprefix(org.site.relying_party.origins[0]))
    assert answer.headers["content-type"] == "application/x-chrome-extension"
    found, archive = opened(answer.content)
    assert found == id
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["update_url"] == updates
    assert manifest["version"] == __version__


def test_an_administrator_reads_what_to_do(org: Organisation) -> None:
    facts = org.client.get("/authenticator/extension").json()
    assert facts["policy"] == org.client.get("/authenticator/extension/policy.json").json()
    assert shlex.split(facts["command"])[-1] == facts["id"]
    assert facts["packageUrl"].endswith("/authenticator/extension/ostiary.crx")


def test_the_files_are_those_anybody_can_load(tmp_path: Path) -> None:
    package = a_package(tmp_path).get()
    _, archive = opened(package.crx)
    there = {path.relative_to(EXTENSION_FILES).as_posix() for path in EXTENSION_FILES.rglob("*") if path.is_file()}
    assert set(archive.namelist()) == there
    for name in there - {"manifest.json"}:
        assert archive.read(name) == (EXTENSION_FILES / name).read_bytes()
    ours, packed = (
        json.loads((EXTENSION_FILES / "manifest.json").read_text()),
        json.loads(archive.read("manifest.json")),
    )
    assert {name for name in packed if packed[name] != ours.get(name)} == {"key", "update_url"}
    assert (
        hashlib.sha256(b64decode(packed["key"]))
        .hexdigest()[:32]
        .translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))
        == package.id
    )


def test_the_key_is_made_once_and_kept_sealed(tmp_path: Path) -> None:
    first = a_package(tmp_path).get()
    kept = tmp_path / KEY_FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert b"\x30\x82" not in kept.read_bytes()[:32]
    assert a_package(tmp_path).get() == first
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_two_servers_have_two_extensions(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert a_package(tmp_path / "one").get().id != a_package(tmp_path / "two").get().id


def test_two_who_begin_at_once_agree_on_a_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(a_package(tmp_path).get().id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_refuses_a_key_that_another_server_sealed(tmp_path: Path) -> None:
    a_package(tmp_path).get()
    with pytest.raises(SealBrokenError):
        a_package(tmp_path, b"o" * 32).get()


def test_a_changed_package_does_not_verify(tmp_path: Path) -> None:
    crx = bytearray(a_package(tmp_path).get().crx)
    crx[-30] ^= 1
    with pytest.raises(InvalidSignature):
        opened(bytes(crx))


@pytest.mark.parametrize("path", ["", "/update.xml", "/ostiary.crx", "/policy.json"])
def test_is_only_read(org: Organisation, path: str) -> None:
    assert org.client.post(f"/authenticator/extension{path}").status_code in (403, 405)
