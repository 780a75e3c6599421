"""AAGUIDs and the providers they name."""

import pytest

from ostiary.passkeys import PROVIDERS, Aaguid, Provider, ProviderKind, provider_of
from ostiary.passkeys.providers import _TABLE


def test_knows_the_providers_people_meet() -> None:
    for text, name, kind in (
        ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords", ProviderKind.SYNCED),
        ("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "Google Password Manager", ProviderKind.SYNCED),
        ("08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello", ProviderKind.PLATFORM),
        ("90a3ccdf-635c-4729-a248-9b709135078f", "Microsoft Authenticator for iOS", ProviderKind.AUTHENTICATOR),
        ("fa2b99dc-9e39-4257-8f92-4a30d23c4118", "YubiKey 5 NFC", ProviderKind.SECURITY_KEY),
    ):
        assert provider_of(Aaguid.parse(text)) == Provider(name, kind)


def test_names_nobody_for_the_zero_and_the_unknown() -> None:
    assert provider_of(Aaguid(bytes(16))) is None
    assert provider_of(Aaguid(bytes(15) + b"\x01")) is None


def test_no_aaguid_is_listed_twice() -> None:
    assert len(PROVIDERS) == len(_TABLE)


def test_every_spelling_is_the_canonical_one() -> None:
    assert [str(Aaguid.parse(text)) for text, _, _ in _TABLE] == [text for text, _, _ in _TABLE]


def test_aaguid_is_spelled_as_a_uuid() -> None:
    aaguid = Aaguid.parse("08987058-CADC-4B81-B6E1-30DE50DCBE96")
    assert str(aaguid) == "08987058-cadc-4b81-b6e1-30de50dcbe96"
    assert aaguid == Aaguid(bytes.fromhex("08987058cadc4b81b6e130de50dcbe96"))
    assert not aaguid.is_zero
    assert Aaguid(bytes(16)).is_zero


@pytest.mark.parametrize(
    "text",
    [
        "",
        "08987058cadc4b81b6e130de50dcbe96",
        "{08987058-cadc-4b81-b6e1-30de50dcbe96}",
        "08987058-cadc-4b81-b6e1-30de50dcbe9",
        "08987058-cadc-4b81-b6e1-30de50dcbe9g",
        "0898705-8cadc-4b81-b6e1-30de50dcbe96",
        "08987058-cadc-4b81-b6e1-30de50dcbe96\n",
        "０8987058-cadc-4b81-b6e1-30de50dcbe96",
    ],
)
def test_refuses_text_that_is_no_aaguid(text: str) -> None:
    with pytest.raises(ValueError, match="AAGUID"):
        Aaguid.parse(text)


def test_refuses_bytes_that_are_no_aaguid() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Aaguid(bytes(15))
