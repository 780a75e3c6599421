"""Names of passkey providers beyond our own table: imported ones, and those of FIDO's metadata."""

import json
from types import MappingProxyType

import pytest

from ostiary.identity import provider_names
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.provider_lists import LARGEST_LIST, MOST_NAMES
from ostiary.identity.provider_lists import import_list as import_names
from ostiary.identity.provider_names import name_of
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import Aaguid
from ostiary.passkeys.metadata import Metadata
from tests.organisation import Browser, Organisation
from tests.passkeys.blobs import entry, payload
from tests.software_authenticator import SoftwareAuthenticator

MODEL = "6f737469-6172-792d-736f-667477617265"
ONE_PASSWORD = "bada5566-a7aa-401f-bd96-45619a55120d"


def import_list(org: Organisation, content: object) -> int:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return org.administer(import_names, data, actor=None, caller=COMMAND_LINE, now=org.clock())


def test_an_imported_name_is_what_people_see(org: Organisation, ada: Browser) -> None:
    assert import_list(org, {MODEL: {"name": "Vault of Contoso", "icon_light": "data:,"}}) == 1
    registered = ada.register(SoftwareAuthenticator()).json()
    assert registered["provider"] == "Vault of Contoso"
    assert registered["name"].startswith("Vault of Contoso")
    assert "Vault of Contoso" in ada.get("/security-info").text


def test_our_own_name_wins_and_a_new_list_replaces_the_old(org: Organisation) -> None:
    import_list(org, {ONE_PASSWORD: {"name": "Somebody else"}, MODEL: {"name": "Old"}})
    assert name_of(Aaguid.parse(ONE_PASSWORD)) == "1Password"
    import_list(org, {})
    assert name_of(Aaguid.parse(MODEL)) is None


def test_another_process_learns_the_names(org: Organisation) -> None:
    import_list(org, {MODEL: {"name": "Vault"}})
    provider_names._Known.imported = MappingProxyType({})
    org.administer(provider_names.use_imported)
    assert name_of(Aaguid.parse(MODEL)) == "Vault"


def test_metadata_names_what_nobody_else_does(org: Organisation) -> None:
    provider_names.use_metadata(Metadata.from_payload(payload(entry(MODEL, description="Example  Key\n5"))))
    assert name_of(Aaguid.parse(MODEL)) == "Example Key 5"
    import_list(org, {MODEL: {"name": "Vault"}})
    assert name_of(Aaguid.parse(MODEL)) == "Vault"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"[" * 100_000,
        {"not-an-aaguid": {"name": "x"}},
        {MODEL: "x"},
        {MODEL: {}},
        {MODEL: {"name": 7}},
        {MODEL: {"name": " "}},
        {MODEL: {"name": "x" * 81}},
        {MODEL: {"name": "a\u202eb"}},
        b'{"a": "' + b"x" * LARGEST_LIST + b'"}',
        {f"{number:032x}": {"name": "x"} for number in range(MOST_NAMES + 1)},
    ],
    ids=str,
)
def test_refuses_what_is_no_list_of_names(org: Organisation, content: object) -> None:
    import_list(org, {MODEL: {"name": "Kept"}})
    with pytest.raises(Refusal, match=Reason.NAME_LIST_INVALID):
        import_list(org, content)
    assert name_of(Aaguid.parse(MODEL)) == "Kept"
