"""What a policy consists of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ostiary.clock import MINUTE

EVERYONE: Final = "everyone"
"""Stands for all people where a group's identifier could stand."""

DEFAULT_PROFILE: Final = "00000000-0000-0000-0000-000000000001"


class PasskeyType(StrEnum):
    """By backup eligibility (WebAuthn L3 §6.1.3): BE = 0 and BE = 1."""

    DEVICE_BOUND = "deviceBound"
    SYNCED = "synced"


class Enforcement(StrEnum):
    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRestrictions:
    """AAGUIDs that alone are allowed, or that are blocked. An empty allow list allows nothing; having no restrictions
    at all (None in its place) is something else."""

    enforcement: Enforcement
    aaguids: frozenset[str]

    def __post_init__(self) -> None:
        # however an administrator wrote them: one written in capitals is no other model
        object.__setattr__(self, "aaguids", frozenset(aaguid.strip().lower() for aaguid in self.aaguids))


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRules:
    """What a passkey must be."""

    types: frozenset[PasskeyType] = frozenset(PasskeyType)
    is_attestation_enforced: bool = False
    key_restrictions: KeyRestrictions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Rules that were replaced, and until when passkeys registered under them may still sign in."""

    rules: PasskeyRules
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyProfile:
    """A named set of rules; a passkey must fully satisfy at least one profile of its owner's."""

    id: str
    name: str
    rules: PasskeyRules = PasskeyRules()
    is_self_service_allowed: bool = True
    most_passkeys: int | None = None
    grace_days: int = 0
    superseded: tuple[Superseded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyTarget:
    """A group, or everyone, and the profiles its people match."""

    group_id: str
    profile_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPolicy:
    """Who may use a method that has no profiles. Exclude wins over include."""

    is_enabled: bool = True
    include: frozenset[str] = frozenset({EVERYONE})
    exclude: frozenset[str] = frozenset()
    is_self_service_allowed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorPolicy(MethodPolicy):
    """`is_passwordless_allowed`: an approval by the Ostiary Authenticator may stand where the password would."""

    is_passwordless_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyPolicy:
    """As `MethodPolicy`, with targets that name profiles instead of a plain include."""

    is_enabled: bool = True
    targets: tuple[PasskeyTarget, ...] = (PasskeyTarget(group_id=EVERYONE, profile_ids=(DEFAULT_PROFILE,)),)
    exclude: frozenset[str] = frozenset()
    is_self_service_allowed: bool = True
    profiles: tuple[PasskeyProfile, ...] = (PasskeyProfile(id=DEFAULT_PROFILE, name="Default passkey profile"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSettings:
    """Temporary Access Passes: lifetimes in minutes, length in characters."""

    minimum_minutes: int = 60
    maximum_minutes: int = 480
    default_minutes: int = 60
    length: int = 8
    is_one_time_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole authentication methods policy of an organisation."""

    passkey: PasskeyPolicy = PasskeyPolicy()
    password: MethodPolicy = MethodPolicy()
    code: MethodPolicy = MethodPolicy()
    authenticator: AuthenticatorPolicy = AuthenticatorPolicy()
    temporary_access_pass: MethodPolicy = MethodPolicy()
    pass_settings: PassSettings = PassSettings()


SHORTEST_PASS: Final = 10  # minutes
LONGEST_PASS: Final = 43_200
SHORTEST_PASS_CODE: Final = 8
LONGEST_PASS_CODE: Final = 48
ONE_TIME_PASS_REGISTERS_WITHIN: Final = 10 * MINUTE
"""A one-time pass must finish registration this soon after it was used."""
