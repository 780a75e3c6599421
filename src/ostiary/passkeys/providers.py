"""Who made a passkey, as far as its AAGUID tells: names to show people, and what kind of place it lives in.

Facts kept by hand. Sources: the makers' own documentation, the community list of passkey provider AAGUIDs
(47b6f84, 2026-08-07) and, for security keys, attestation certificates of real devices. An AAGUID is a claim unless
attestation was verified, and the kind says what is usual: whether a credential may be synced is in its backup flags.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ostiary.passkeys.aaguid import Aaguid


class ProviderKind(StrEnum):
    """Where a provider keeps passkeys."""

    PLATFORM = "platform"
    """In the computer itself; bound to it."""
    AUTHENTICATOR = "authenticator"
    """In an authenticator app on a phone or computer; bound to it."""
    SECURITY_KEY = "security_key"
    """In a key one can carry; bound to it."""
    SYNCED = "synced"
    """In a password manager that brings them to a person's other devices."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A passkey provider, or a model of security key, by the name people know."""

    name: str
    kind: ProviderKind


AUTHENTICATOR_SEALED_FILE: Final = Aaguid.parse("36b6d75b-7c4f-4cb5-9c0d-a65f9d280624")
AUTHENTICATOR_TPM: Final = Aaguid.parse("1667f0c5-4686-4b9f-8e1f-a30f1638b6bb")
"""Our own: where its keys live is what tells the two apart."""

_TABLE: Final = (
    # Computers
    ("08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello", ProviderKind.PLATFORM),
    ("9ddd1817-af5a-4672-a2b9-3e3dd95000a9", "Windows Hello", ProviderKind.PLATFORM),
    ("6028b017-b1d4-4c02-b4b3-afcdafc96bb2", "Windows Hello", ProviderKind.PLATFORM),
    ("adce0002-35bc-c60a-648b-0b25f1f05503", "Chrome on Mac", ProviderKind.PLATFORM),
    ("771b48fd-d3d4-4f74-9232-fc157ab0507a", "Edge on Mac", ProviderKind.PLATFORM),
    # Authenticator apps
    ("90a3ccdf-635c-4729-a248-9b709135078f", "Microsoft Authenticator for iOS", ProviderKind.AUTHENTICATOR),
    ("de1e552d-db1d-4423-a619-566b625cdc84", "Microsoft Authenticator for Android", ProviderKind.AUTHENTICATOR),
    ("39a5647e-1853-446c-a1f6-a79bae9f5bc7", "IDmelon", ProviderKind.AUTHENTICATOR),
    (str(AUTHENTICATOR_SEALED_FILE), "Ostiary Authenticator", ProviderKind.AUTHENTICATOR),
    (str(AUTHENTICATOR_TPM), "Ostiary Authenticator (TPM)", ProviderKind.AUTHENTICATOR),
    # Password managers of platforms
    ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords", ProviderKind.SYNCED),
    ("dd4ec289-e01d-41c9-bb89-70fa845d4bf2", "Apple Passwords (managed)", ProviderKind.SYNCED),
    ("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "Google Password Manager", ProviderKind.SYNCED),
    ("53414d53-554e-4700-0000-000000000000", "Samsung Pass", ProviderKind.SYNCED),
    ("d3452668-01fd-4c12-926c-83a4204853aa", "Microsoft Password Manager", ProviderKind.SYNCED),
    # Password managers
    ("bada5566-a7aa-401f-bd96-45619a55120d", "1Password", ProviderKind.SYNCED),
    ("d548826e-79b4-db40-a3d8-11116f7e8349", "Bitwarden", ProviderKind.SYNCED),
    ("531126d6-e717-415c-9320-3d9aa6981239", "Dashlane", ProviderKind.SYNCED),
    ("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6", "Keeper", ProviderKind.SYNCED),
    ("b84e4048-15dc-4dd0-8640-f4f60813c8af", "NordPass", ProviderKind.SYNCED),
    ("50726f74-6f6e-5061-7373-50726f746f6e", "Proton Pass", ProviderKind.SYNCED),
    ("fdb141b2-5d84-443e-8a35-4698c205a502", "KeePassXC", ProviderKind.SYNCED),
    ("eaecdef2-1c31-5634-8639-f1cbd9c00a08", "KeePassDX", ProviderKind.SYNCED),
    ("b78a0a55-6ef8-d246-a042-ba0f6d55050c", "LastPass", ProviderKind.SYNCED),
    ("f3809540-7f14-49c1-a8b3-8f813b225541", "Enpass", ProviderKind.SYNCED),
    ("b35a26b2-8f6e-4697-ab1d-d44db4da28c6", "Zoho Vault", ProviderKind.SYNCED),
    # Security keys
    ("fa2b99dc-9e39-4257-8f92-4a30d23c4118", "YubiKey 5 NFC", ProviderKind.SECURITY_KEY),
    ("cb69481e-8ff7-4039-93ec-0a2729a154a8", "YubiKey 5", ProviderKind.SECURITY_KEY),
    ("c5ef55ff-ad9a-4b9f-b580-adebafe026d0", "YubiKey 5Ci", ProviderKind.SECURITY_KEY),
    ("c1f9a0bc-1dd2-404a-b27f-8e29047a43fd", "YubiKey 5 NFC FIPS", ProviderKind.SECURITY_KEY),
    ("85203421-48f9-4355-9bc8-8a53846e5083", "YubiKey 5Ci FIPS", ProviderKind.SECURITY_KEY),
    ("d8522d9f-575b-4866-88a9-ba99fa02f35b", "YubiKey Bio", ProviderKind.SECURITY_KEY),
    ("f8a011f3-8c0a-4d15-8006-17111f9edc7d", "Security Key by Yubico", ProviderKind.SECURITY_KEY),
    ("e1a96183-5016-4f24-b55b-e3ae23614cc6", "ATKey", ProviderKind.SECURITY_KEY),
    ("da776f39-f6c8-4a89-b252-1d86137a46ba", "TrustKey T110", ProviderKind.SECURITY_KEY),
)

PROVIDERS: Final = MappingProxyType({Aaguid.parse(aaguid): Provider(name, kind) for aaguid, name, kind in _TABLE})


def provider_of(aaguid: Aaguid) -> Provider | None:
    """The provider that says it made a passkey; ``None`` when unknown, and for the zero AAGUID, which names nobody."""
    return PROVIDERS.get(aaguid)
