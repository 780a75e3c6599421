"""`ostiary admin attestation`: the whole life of an authority and of a certificate, without the browser."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.passkeys.attestation.trust import find_anchor
from tests.cli.conftest import Run
from tests.server.attestation.conftest import request_of

ATTESTATION = ("admin", "attestation")


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.pem"
    path.write_text(request_of(ec.generate_private_key(ec.SECP256R1())))
    return path


@pytest.fixture
def authority(run: Run, data: Path) -> None:
    created = run(*ATTESTATION, "init", "--country", "de", "--data", data)
    assert created.exit_code == 0, created.stderr
    assert "SHA-256 fingerprint: " in created.stdout


@pytest.mark.usefixtures("authority")
def test_an_authenticator_is_enrolled_listed_and_revoked(
    run: Run, data: Path, tmp_path: Path, request_file: Path
) -> None:
    enrolled = run(*ATTESTATION, "enrol", request_file, "--model", "tpm", "--for", "ada", "--data", data)
    certificate = x509.load_pem_x509_certificate(enrolled.stdout.encode())
    serial = f"{certificate.serial_number:x}"
    assert enrolled.stderr == f"Serial number {serial}, for localhost only.\n"
    root_file = tmp_path / "root.pem"
    assert run(*ATTESTATION, "export", "--out", root_file, "--data", data).stdout == f"Written to {root_file}.\n"
    root = x509.load_pem_x509_certificate(root_file.read_bytes())
    assert find_anchor([certificate], [root], certificate.not_valid_before_utc) == root
    [listed] = json.loads(run(*ATTESTATION, "list", "--json", "--data", data).stdout)
    assert (listed["serial"], listed["model"], listed["for"]) == (
        serial,
        "Ostiary Authenticator (TPM)",
        "ada@contoso.example",
    )
    assert listed["revoked"] is None
    revoked = json.loads(run(*ATTESTATION, "revoke", serial, "--json", "--data", data).stdout)
    assert (revoked["serial"], revoked["passkeys"]) == (serial, [])
    assert revoked["revoked"]
    assert serial in run(*ATTESTATION, "list", "--data", data).stdout
    assert "Revoked" in run(*ATTESTATION, "revoke", serial, "--data", data).stdout


@pytest.mark.usefixtures("authority")
def test_an_authority_is_replaced_and_removed(run: Run, data: Path) -> None:
    assert "already" in run(*ATTESTATION, "init", "--data", data).stderr
    assert run(*ATTESTATION, "init", "--replace", "--data", data).exit_code == 0
    older, newer = json.loads(run(*ATTESTATION, "status", "--json", "--data", data).stdout)["authorities"]
    assert (older["state"], newer["state"]) == ("trusted", "issuing")
    exported = run(*ATTESTATION, "export", "--data", data).stdout
    assert exported.count("BEGIN CERTIFICATE") == 2
    assert run(*ATTESTATION, "remove", older["id"], "--data", data).exit_code == 0
    assert "no such" in run(*ATTESTATION, "remove", older["id"], "--data", data).stderr
    shown = run(*ATTESTATION, "status", "--data", data).stdout
    assert "removed" in shown
    assert newer["fingerprint"] in shown


@pytest.mark.usefixtures("authority")
def test_a_code_is_shown_once(run: Run, data: Path) -> None:
    made = json.loads(run(*ATTESTATION, "code", "--for", "ada", "--minutes", "5", "--json", "--data", data).stdout)
    assert (made["for"], made["model"]) == ("ada@contoso.example", "36b6d75b-7c4f-4cb5-9c0d-a65f9d280624")
    anybodys = run(*ATTESTATION, "code", "--anybody", "--model", "tpm", "--data", data).stdout
    assert "Ostiary Authenticator (TPM)" in anybodys
    assert made["code"] not in run("admin", "audit", "list", "--json", "--data", data).stdout


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("code",), "either --for USER or --anybody"),
        (("code", "--for", "ada", "--anybody"), "either --for USER or --anybody"),
        (("code", "--for", "nobody"), "There is no such person."),
        (("code", "--anybody", "--model", "phone"), "not a model of the Ostiary Authenticator"),
        (("code", "--anybody", "--minutes", "0"), "cannot be valid for that long"),
        (("enrol", "missing.pem", "--model", "tpm"), "There is no file"),
        (("revoke", "42"), "no certificate with that serial number"),
        (("init", "--replace", "--country", "Germany"), "not a country code"),
    ],
)
def test_refuses_and_says_what_to_do(run: Run, data: Path, arguments: tuple[str, ...], words: str) -> None:
    refused = run(*ATTESTATION, *arguments, "--data", data)
    assert (refused.exit_code, words in refused.stderr) == (1, True), refused.stderr


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe"])
def test_refuses_a_file_that_is_no_request(run: Run, data: Path, request_file: Path, content: bytes) -> None:
    request_file.write_bytes(content)
    refused = run(*ATTESTATION, "enrol", request_file, "--model", "tpm", "--data", data)
    assert (refused.exit_code, "not a certificate request" in refused.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [("export",), ("code", "--anybody")])
def test_says_how_to_begin(run: Run, data: Path, arguments: tuple[str, ...]) -> None:
    refused = run(*ATTESTATION, *arguments, "--data", data)
    assert (refused.exit_code, "ostiary admin attestation init" in refused.stderr) == (1, True)
    assert "ostiary admin attestation init" in run(*ATTESTATION, "status", "--data", data).stdout
