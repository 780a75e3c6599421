"""`/admin/trust`: roots and provider names, in the browser."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.organisation import Browser, Organisation
from tests.server.reading import text_of
from tests.software_authenticator import AttestationAuthority

MODEL = "6f737469-6172-792d-736f-667477617265"


@pytest.fixture
def administrator(org: Organisation) -> Browser:
    return org.signed_in("admin")


def test_a_root_is_added_and_removed(org: Organisation, administrator: Browser) -> None:
    certificate = AttestationAuthority().certificate.public_bytes(Encoding.PEM).decode()
    form = {"name": "Example", "certificate": certificate, "aaguids": MODEL}
    page = administrator.follow(administrator.post("/admin/trust", form))
    assert "Example" in text_of(page)
    [root] = [line for line in page.text.split('"') if line.startswith("/admin/trust/") and line.endswith("/remove")]
    assert administrator.get(root).status_code == 200
    assert "The root is removed." in text_of(administrator.follow(administrator.post(root)))


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "x", "certificate": "nonsense"}, "not the certificate of an authority"),
        ({"name": "", "certificate": "PEM"}, "That name does not work"),
        ({"name": "x", "certificate": "PEM", "aaguids": "nonsense"}, "That is not an AAGUID"),
    ],
)
def test_refuses_a_root_and_says_which_field(administrator: Browser, form: dict[str, str], words: str) -> None:
    pem = AttestationAuthority().certificate.public_bytes(Encoding.PEM).decode()
    form = {key: pem if value == "PEM" else value for key, value in form.items()}
    page = administrator.post("/admin/trust", form)
    assert (page.status_code, words in text_of(page)) == (400, True)


def test_names_are_imported(administrator: Browser) -> None:
    done = administrator.post("/admin/trust/names", {"list": json.dumps({MODEL: {"name": "Vault"}})})
    page = text_of(administrator.follow(done))
    assert "The names are imported." in page
    assert "1 name beyond our own list." in page
    assert "Vault" in text_of(administrator.get("/admin/policy/profiles/00000000-0000-0000-0000-000000000001"))


def test_refuses_a_list_of_names(administrator: Browser) -> None:
    page = administrator.post("/admin/trust/names", {"list": "[]"})
    assert (page.status_code, "not a list of provider names" in text_of(page)) == (400, True)
