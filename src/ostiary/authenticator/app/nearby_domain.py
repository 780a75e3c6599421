"""Which tunnel service carries an answer to another computer: that of an account's organisation, as its server says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ostiary.authenticator.app.accounts import Accounts
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.ports import AppKeys

SETUP: Final = "/v1.0/ostiary/me/setup"
_OWN: Final = range(256, 1 << 16)
"""Tunnel domains that an organisation may have; those before are assigned to others (CTAP 2.2 §11.5.1.3)."""


def told_domain(facts: Mapping[str, Any]) -> int | None:
    """Of the server's `setup`. None: it has no tunnel service, or names one that cannot be its own."""
    tunnel = facts.get("tunnel")
    domain = tunnel.get("domain") if isinstance(tunnel, dict) else None
    return domain if type(domain) is int and domain in _OWN else None


def find_domain(accounts: Accounts, keys: AppKeys) -> int:
    """Of the first account that has one; servers are asked again only when none has. Raises TUNNEL_NONE."""
    for account in accounts.all():
        if account.tunnel_domain is not None:
            return account.tunnel_domain
    refused: AppError | None = None
    for account in accounts.all() if keys.is_unlocked else ():
        if not accounts.is_signed_in(account):
            continue
        try:
            facts = accounts.call(account, "GET", SETUP)
        except AppError as error:
            refused = error
            continue
        domain = told_domain(facts) if isinstance(facts, dict) else None
        if domain is not None:
            accounts.change(account.id, lambda one, domain=domain: replace(one, tunnel_domain=domain))  # type: ignore[misc]
            return domain
    if refused is not None and refused.reason in (AppReason.SERVER_UNREACHABLE, AppReason.SERVER_UNTRUSTED):
        raise refused
    raise AppError(AppReason.TUNNEL_NONE)
