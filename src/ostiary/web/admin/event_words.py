"""Audit events in words, for administrators."""

from collections.abc import Iterable
from typing import Final

from ostiary.identity.audit import Event
from ostiary.storage.audit import AuditEvent
from ostiary.web.admin.pages import EventRow
from ostiary.web.method_rows import client_words
from ostiary.web.translations import N_
from ostiary.web.visit import Visit
from ostiary.web.wording import wording_of

WORDS: Final[dict[str, str]] = {
    Event.SESSION_OPEN: N_("Signed in"),
    Event.BROWSER_ADD: N_("New browser"),
    Event.SESSION_STEP_UP: N_("Confirmed who they are"),
    Event.SESSION_END: N_("Session ended"),
    Event.SESSIONS_END: N_("Signed out everywhere"),
    Event.SIGN_IN: N_("Sign-in"),
    Event.PASSKEY_ADD: N_("Passkey added"),
    Event.PASSKEY_RENAME: N_("Passkey renamed"),
    Event.PASSKEY_REMOVE: N_("Passkey deleted"),
    Event.PASSKEY_SUSPECT: N_("Passkey may have been copied"),
    Event.CODE_ADD: N_("Authenticator app added"),
    Event.CODE_RENAME: N_("Authenticator app renamed"),
    Event.CODE_REMOVE: N_("Authenticator app deleted"),
    Event.AUTHENTICATOR_ADD: N_("Ostiary Authenticator added"),
    Event.AUTHENTICATOR_RENAME: N_("Ostiary Authenticator renamed"),
    Event.AUTHENTICATOR_REMOVE: N_("Ostiary Authenticator removed"),
    Event.APPROVAL_REPORT: N_("Approval request reported as not theirs"),
    Event.PASSWORD_CHANGE: N_("Password changed"),
    Event.SECOND_FACTOR_CHOOSE: N_("Second step chosen"),
    Event.APP_CONNECT: N_("App signed in"),
    Event.APP_DISCONNECT: N_("App signed out"),
    Event.APP_SUSPECT: N_("App signed out: token used twice"),
    Event.CEREMONY_REPORT: N_("Reported by the browser"),
    Event.ORGANIZATION_CREATE: N_("Organisation set up"),
    Event.DOMAIN_ADD: N_("Domain added"),
    Event.DOMAIN_REMOVE: N_("Domain removed"),
    Event.BRANDING_SET: N_("Branding changed"),
    Event.PERSON_CREATE: N_("Person added"),
    Event.PERSON_ENABLE: N_("Person enabled"),
    Event.PERSON_DISABLE: N_("Person disabled"),
    Event.PERSON_DELETE: N_("Person deleted"),
    Event.PERSON_PASSWORD_SET: N_("Password set"),
    Event.PERSON_METHOD_REMOVE: N_("Sign-in method removed"),
    Event.PERSON_SESSIONS_END: N_("Sessions ended"),
    Event.GROUP_CREATE: N_("Group added"),
    Event.GROUP_DELETE: N_("Group deleted"),
    Event.GROUP_MEMBER_ADD: N_("Group member added"),
    Event.GROUP_MEMBER_REMOVE: N_("Group member removed"),
    Event.ROLE_ASSIGN: N_("Role assigned"),
    Event.ROLE_REMOVE: N_("Role removed"),
    Event.POLICY_SAVE: N_("Policy changed"),
    Event.PASS_ISSUE: N_("Temporary Access Pass issued"),
    Event.PASS_REMOVE: N_("Temporary Access Pass removed"),
    Event.ROOT_ADD: N_("Attestation root added"),
    Event.ROOT_REMOVE: N_("Attestation root removed"),
    Event.METADATA_REFRESH: N_("Metadata refreshed"),
    Event.NAMES_IMPORT: N_("Provider names imported"),
    Event.ATTESTATION_AUTHORITY_CREATE: N_("Attestation authority created"),
    Event.ATTESTATION_AUTHORITY_REMOVE: N_("Attestation authority removed"),
    Event.ATTESTATION_CODE_ISSUE: N_("Enrolment code for an Authenticator issued"),
    Event.ATTESTATION_ISSUE: N_("Authenticator enrolled"),
    Event.ATTESTATION_REVOKE: N_("Authenticator's certificate revoked"),
    Event.EXPORT: N_("Exported"),
    Event.DISAVOW: N_("Reported by its owner as not theirs"),
}


def event_rows(visit: Visit, events: Iterable[AuditEvent]) -> tuple[EventRow, ...]:
    return tuple(event_row(visit, event) for event in events)


def event_row(visit: Visit, event: AuditEvent) -> EventRow:
    wording = wording_of(event.reason or "")
    words = WORDS.get(event.event)
    return EventRow(
        id=event.id,
        at=event.at,
        event=event.event,
        what=visit.say(words) if words else event.event,
        why=(visit.say(wording.title) if wording else event.reason) if event.reason else None,
        actor=event.actor,
        target=event.target,
        target_id=event.target_id,
        method=event.method,
        where=client_words(visit, event.client or "") or None,
        address=event.address,
        reference=event.reference,
        detail=event.detail,
        is_refused=event.result == "refused",
    )
