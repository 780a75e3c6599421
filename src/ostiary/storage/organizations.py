"""Rows of the organisation, its verified domains and how each looks."""

from typing import NamedTuple

from sqlalchemy import bindparam, select

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import delete_by, insert_into
from ostiary.storage.tables import branding, domains, organizations


class Organization(NamedTuple):
    id: str
    name: str
    created_at: int


class Domain(NamedTuple):
    name: str
    organization_id: str
    is_primary: bool
    verified_at: int


class Branding(NamedTuple):
    domain: str
    name: str
    accent: str | None
    helpdesk: str | None
    logo: bytes | None
    logo_media_type: str | None


_INSERT = Query(insert_into(organizations))
_ONE = Query(select(*(organizations.c[name] for name in Organization._fields)).order_by(organizations.c.created_at))
_HOLD = Query(select(organizations.c.id).with_for_update())
_INSERT_DOMAIN = Query(insert_into(domains))
_DOMAINS = Query(
    select(*(domains.c[name] for name in Domain._fields)).order_by(domains.c.is_primary.desc(), domains.c.name)
)
_DELETE_DOMAIN = Query(delete_by(domains.c.name))
_BRANDINGS = Query(select(*(branding.c[name] for name in Branding._fields)).order_by(branding.c.domain))
_BRANDING = Query(
    select(*(branding.c[name] for name in Branding._fields)).where(branding.c.domain == bindparam("domain"))
)
_INSERT_BRANDING = Query(insert_into(branding))
_DELETE_BRANDING = Query(delete_by(branding.c.domain))


def insert_organization(tx: Transaction, organization: Organization) -> None:
    tx.run(_INSERT, **organization._asdict())


def the_organization(tx: Transaction) -> Organization | None:
    row = tx.one(_ONE)
    return None if row is None else Organization._make(row)


def hold(tx: Transaction) -> None:
    """Lets whoever else changes what is decided for all (who administers, the policy, what is trusted) wait until this
    transaction is over. Comes before anything is read that the change rests on, the actor's own rights too."""
    tx.all(_HOLD)


def insert_domain(tx: Transaction, domain: Domain) -> None:
    tx.run(_INSERT_DOMAIN, **domain._asdict())


def all_domains(tx: Transaction) -> list[Domain]:
    """The primary domain first."""
    return [Domain._make(row) for row in tx.all(_DOMAINS)]


def delete_domain(tx: Transaction, name: str) -> None:
    tx.run(_DELETE_DOMAIN, key=name)


def all_branding(tx: Transaction) -> list[Branding]:
    return [Branding._make(row) for row in tx.all(_BRANDINGS)]


def branding_of(tx: Transaction, domain: str) -> Branding | None:
    row = tx.one(_BRANDING, domain=domain)
    return None if row is None else Branding._make(row)


def replace_branding(tx: Transaction, new: Branding) -> None:
    tx.run(_DELETE_BRANDING, key=new.domain)
    tx.run(_INSERT_BRANDING, **new._asdict())
