"""Recent activity: audit events as sentences for the person they are about."""

from collections.abc import Iterable

from ostiary.identity.audit import Event
from ostiary.storage.audit import AuditEvent
from ostiary.web.method_rows import client_words
from ostiary.web.pages import ActivityRow
from ostiary.web.translations import N_
from ostiary.web.visit import Visit
from ostiary.web.wording import wording_of

_SENTENCES = {
    Event.SESSION_OPEN: N_("You signed in."),
    Event.SESSION_STEP_UP: N_("You confirmed that it was you."),
    Event.SESSION_END: N_("A session was ended."),
    Event.SESSIONS_END: N_("You signed out everywhere."),
    Event.BROWSER_ADD: N_("This was a browser you had not used before."),
    Event.PASSKEY_ADD: N_("The passkey “%(name)s” was added."),
    Event.PASSKEY_RENAME: N_("A passkey was renamed to “%(name)s”."),
    Event.PASSKEY_REMOVE: N_("The passkey “%(name)s” was deleted."),
    Event.PASSKEY_SUSPECT: N_("The passkey “%(name)s” may have been copied. Delete it if you did not expect this."),
    Event.CODE_ADD: N_("The authenticator app “%(name)s” was added."),
    Event.CODE_RENAME: N_("An authenticator app was renamed to “%(name)s”."),
    Event.CODE_REMOVE: N_("The authenticator app “%(name)s” was deleted."),
    Event.AUTHENTICATOR_ADD: N_("The Ostiary Authenticator “%(name)s” was added."),
    Event.AUTHENTICATOR_RENAME: N_("An Ostiary Authenticator was renamed to “%(name)s”."),
    Event.AUTHENTICATOR_REMOVE: N_("The Ostiary Authenticator “%(name)s” was removed."),
    Event.APPROVAL_REPORT: N_("You reported a sign-in that “%(name)s” was asked to approve as not yours."),
    Event.PASSWORD_CHANGE: N_("Your password was changed."),
    Event.SECOND_FACTOR_CHOOSE: N_("The second step asked first was changed."),
    Event.APP_CONNECT: N_("You signed in to the app “%(name)s”."),
    Event.APP_DISCONNECT: N_("The app “%(name)s” was signed out."),
    Event.APP_SUSPECT: N_("The app “%(name)s” was signed out: what it signs in with was used twice."),
    Event.DISAVOW: N_("You said that something was not you. Every session was ended."),
    Event.PERSON_CREATE: N_("An administrator created your account."),
    Event.PERSON_ENABLE: N_("An administrator enabled your account."),
    Event.PERSON_DISABLE: N_("An administrator disabled your account."),
    Event.PERSON_PASSWORD_SET: N_("An administrator set a new password for you."),
    Event.PASS_ISSUE: N_("An administrator gave you a Temporary Access Pass."),
    Event.PASS_REMOVE: N_("Your Temporary Access Pass was deleted."),
    Event.PERSON_METHOD_REMOVE: N_("An administrator deleted “%(name)s”."),
    Event.PERSON_SESSIONS_END: N_("An administrator ended your sessions."),
    Event.GROUP_MEMBER_ADD: N_("An administrator added you to a group."),
    Event.GROUP_MEMBER_REMOVE: N_("An administrator removed you from a group."),
    Event.ROLE_ASSIGN: N_("An administrator gave you a role."),
    Event.ROLE_REMOVE: N_("An administrator took a role from you."),
    Event.ATTESTATION_CODE_ISSUE: N_("An administrator made a code for you to enrol an Ostiary Authenticator."),
    Event.ATTESTATION_ISSUE: N_("An Ostiary Authenticator was enrolled for you."),
}
_REFUSED_SIGN_IN = N_("A sign-in was refused: %(why)s")
_REFUSED = N_("Something was refused: %(why)s")
_WARNINGS = {
    Event.APPROVAL_REPORT,
    Event.APP_SUSPECT,
    Event.DISAVOW,
    Event.PASS_ISSUE,
    Event.PASSKEY_SUSPECT,
    Event.PERSON_METHOD_REMOVE,
    Event.PERSON_PASSWORD_SET,
}


def activity_rows(visit: Visit, events: Iterable[AuditEvent]) -> tuple[ActivityRow, ...]:
    return tuple(_row(visit, event) for event in events)


def _row(visit: Visit, event: AuditEvent) -> ActivityRow:
    if event.result == "refused":
        wording = wording_of(event.reason or "")
        sentence = _REFUSED_SIGN_IN if event.event == Event.SIGN_IN else _REFUSED
        what = visit.say(sentence) % {"why": visit.say(wording.title) if wording else event.reason}
    else:
        what = visit.say(_SENTENCES[Event(event.event)]) % {"name": event.method or ""}
    return ActivityRow(
        at=event.at,
        what=what,
        where=client_words(visit, event.client or "") or None,
        is_warning=event.result == "refused" or event.event in _WARNINGS,
    )
