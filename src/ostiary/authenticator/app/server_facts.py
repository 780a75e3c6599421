"""What an account's server says of itself and of the account before anything is set up: `GET /ostiary/me/setup`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ostiary.authenticator.app.accounts import Account, Accounts
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_domain import told_domain
from ostiary.authenticator.app.views import StepKind

OURS: Final = "/v1.0/ostiary/me"
SETUP: Final = f"{OURS}/setup"
ORDER: Final = (StepKind.PASSKEY, StepKind.APPROVALS, StepKind.CODES)
"""What is set up, in which order; each has its part of the answer."""
_PATH_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def read_facts(accounts: Accounts, account: Account) -> Mapping[str, Any]:
    """Keeps with the account what its organisation is called. Raises SERVER_ANSWER_INVALID, or what the call does."""
    facts = accounts.call(account, "GET", SETUP)
    try:
        organization = facts["organization"]
        origin, rp_id, name = organization["origin"], organization["rpId"], organization["name"]
        is_whole = all(isinstance(facts[kind.value], dict) for kind in ORDER)
    except (KeyError, TypeError) as error:
        raise AppError(AppReason.SERVER_ANSWER_INVALID) from error
    # a server speaks for its own origin: it cannot have a passkey made in another's name
    if origin != account.server or not is_whole or not isinstance(rp_id, str) or not isinstance(name, str):
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    accounts.change(
        account.id, lambda one: replace(one, organization=name[:200], rp_id=rp_id, tunnel_domain=told_domain(facts))
    )
    assert isinstance(facts, dict)
    return facts


def registered_passkeys(facts: Any) -> Mapping[str, str]:
    """By credential ID, what the server calls them. What it says in another form, it does not say."""
    told = facts.get("passkey") if isinstance(facts, dict) else None
    listed = told.get("registered") if isinstance(told, dict) else None
    return {
        str(one.get("credentialId")): str(one["id"])
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and _is_path_safe(one.get("id"))
    }


def is_attestation_offered(facts: Mapping[str, Any]) -> bool:
    told = facts.get("attestation")
    return isinstance(told, dict) and told.get("isOffered") is True


def id_of(made: Any) -> str:
    """What the server calls what it just made."""
    return path_safe(made.get("id") if isinstance(made, dict) else None)


def path_safe(text: object) -> str:
    """What becomes part of an address. Raises SERVER_ANSWER_INVALID."""
    if not _is_path_safe(text):
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    return str(text)


def text(value: object) -> str:
    """The server's own words for the person."""
    return value[:500] if isinstance(value, str) else ""


def _is_path_safe(text: object) -> bool:
    return isinstance(text, str) and text not in ("", ".", "..") and set(text) <= _PATH_SAFE
