"""What tokens say about a person and how they were proven."""

from collections.abc import Iterable, Mapping
from typing import Final

from ostiary.clock import SECOND
from ostiary.identity.assurance import MethodKind, Proof, is_multi_factor
from ostiary.oidc.scopes import Scope
from ostiary.storage.people import Person

PHISHING_RESISTANT: Final = "phr"
"""OpenID Connect Extended Authentication Profile ACR Values §2."""
MULTI_FACTOR: Final = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
ACR_VALUES: Final = (PHISHING_RESISTANT, MULTI_FACTOR)

_AMR: Final[Mapping[str, tuple[str, ...]]] = {
    # RFC 8176 §2; whether a passkey's key lives in hardware is not always known, so neither hwk nor swk is said
    MethodKind.PASSWORD: ("pwd",),
    MethodKind.CODE: ("otp",),
    MethodKind.PASSKEY: ("pop", "user"),
    MethodKind.PASS: ("otp",),
    MethodKind.AUTHENTICATOR: ("pop", "mca", "user"),
}


def authentication_claims(proofs: Iterable[Proof]) -> dict[str, object]:
    """`auth_time`, `amr` and `acr`. The time is of the oldest proof that counts: nothing is claimed to be fresher."""
    proofs = tuple(proofs)
    kinds = {proof.kind for proof in proofs}
    amr = dict.fromkeys(value for kind in sorted(kinds) for value in _AMR.get(kind, ()))
    claims: dict[str, object] = {"auth_time": min(proof.at for proof in proofs) // SECOND}
    if is_multi_factor(kinds):
        amr["mfa"] = None
        claims["acr"] = PHISHING_RESISTANT if MethodKind.PASSKEY in kinds else MULTI_FACTOR
    return {**claims, "amr": list(amr)}


def person_claims(person: Person, scopes: Iterable[Scope]) -> dict[str, object]:
    """OpenID Connect Core §5.1. `sub` is of the person for good, whatever their username becomes."""
    claims: dict[str, object] = {"sub": person.id}
    if Scope.PROFILE in scopes:
        claims |= {"preferred_username": person.username, "name": person.display_name}
    return claims
