"""The frame of every page: language, direction, the organisation's looks, who is looking."""

import structlog

from ostiary.storage import organizations, people
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.web.pages import Branding, Drawable, Shell, Viewer
from ostiary.web.translations import Translations
from ostiary.web.visit import Visit
from ostiary.web.wording import CLIENT_WORDING

log = structlog.get_logger()


async def make_shell(visit: Visit, page: Drawable, *, username: str | None) -> Shell:
    translations = visit.site.translations
    language = visit.language
    person = visit.signed_in.person if visit.signed_in else None
    known_as = username or (person.username if person else None)
    return Shell(
        language=language,
        direction=translations.direction(language),
        languages=translations.languages,
        path=visit.page_path or "/security-info",
        branding=await _looks(visit, known_as),
        viewer=await visit.read(_viewer, person) if person else None,
        now=visit.now,
        client_reasons=_client_reasons(translations, language) if page.script else (),
    )


def _viewer(tx: Transaction, person: Person) -> Viewer:
    is_administrator = bool(people.roles_of(tx, person.id))
    return Viewer(username=person.username, display_name=person.display_name, is_administrator=is_administrator)


async def _looks(visit: Visit, username: str | None) -> Branding:
    try:
        return await visit.read(branding_for, username)
    except Exception:  # the page is needed all the same, above all to say that the database failed
        log.exception("branding not read")
        return Branding(key="default", name=visit.site.relying_party.name, logo=None, helpdesk=None)


def branding_for(tx: Transaction, username: str | None) -> Branding:
    """That of the person's own domain, or of the primary one; without any, the organisation's name."""
    domains = organizations.all_domains(tx)
    wanted = username.rpartition("@")[2] if username else ""
    by_domain = {row.domain: row for row in organizations.all_branding(tx)}
    primary = domains[0].name if domains else ""
    row = by_domain.get(wanted) or by_domain.get(primary)
    if row is None:
        organization = organizations.the_organization(tx)
        return Branding(key="default", name=organization.name if organization else "Ostiary", logo=None, helpdesk=None)
    logo = f"/branding/{row.domain}/logo" if row.logo is not None else None
    return Branding(key=row.domain, name=row.name, logo=logo, helpdesk=row.helpdesk)


def _client_reasons(translations: Translations, language: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (code, translations.gettext(language, wording.title), translations.gettext(language, wording.next))
        for code, wording in CLIENT_WORDING.items()
    )
