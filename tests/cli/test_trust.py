"""`ostiary admin trust`: roots, metadata and names, without the browser."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.cli.conftest import Run
from tests.passkeys.blobs import Service, entry, payload
from tests.software_authenticator import AttestationAuthority

MODEL = "6f737469-6172-792d-736f-667477617265"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(AttestationAuthority().certificate.public_bytes(Encoding.PEM))
    return path


def test_a_root_is_added_listed_and_removed(run: Run, data: Path, root: Path) -> None:
    added = run("admin", "trust", "add", root, "--name", "Example", "--aaguid", MODEL, "--data", data)
    assert added.stdout == "Example is trusted.\n"
    [listed] = json.loads(run("admin", "trust", "list", "--data", data, "--json").stdout)
    assert (listed["name"], listed["aaguids"], listed["by"]) == ("Example", [MODEL], "command line")
    assert "Example Root" in listed["subject"]
    assert run("admin", "trust", "remove", listed["id"], "--data", data).exit_code == 0
    assert json.loads(run("admin", "trust", "list", "--data", data, "--json").stdout) == []


def test_refuses_a_file_that_is_no_certificate(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    result = run("admin", "trust", "add", tmp_path / "x", "--name", "X", "--data", data)
    assert (result.exit_code, "not the certificate of an authority" in result.stderr) == (1, True)


def test_metadata_is_read_from_a_file_once_the_terms_are_accepted(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service()
    (tmp_path / "root.pem").write_bytes(service.root.public_bytes(Encoding.PEM))
    blob = tmp_path / "blob"
    blob.write_bytes(service.sign(payload(entry(MODEL), no=9, nextUpdate="2090-01-01")))
    refresh = ("admin", "trust", "refresh", "--file", blob, "--data", data)
    assert "accept FIDO's terms" in run(*refresh).stderr
    monkeypatch.setenv("OSTIARY_MDS_ACCEPT_TERMS", "true")
    monkeypatch.setenv("OSTIARY_MDS_ROOT", str(tmp_path / "root.pem"))
    assert run(*refresh).stdout == "Number 9 is kept.\n"
    assert "Number 9" in run("admin", "trust", "metadata", "--data", data).stdout
    again = run(*refresh)
    assert (again.exit_code, again.stderr.startswith("Not kept")) == (1, True)


def test_names_are_imported(run: Run, data: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps({MODEL: {"name": "Vault"}}))
    assert run("admin", "trust", "import-names", names, "--data", data).stdout.startswith("1 names are known")
    names.write_text("[]")
    assert "not a list of provider names" in run("admin", "trust", "import-names", names, "--data", data).stderr
