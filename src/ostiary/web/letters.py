"""Mail in words: from the facts in the outbox to subject, plain text and HTML, in the reader's language.

Plain text comes first and says everything. One link, its host printed in full; no picture, no tracking.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal
from urllib.parse import quote, urlsplit

from babel.dates import format_datetime

from ostiary.identity import notices
from ostiary.identity.events import Event
from ostiary.identity.notices import NOTICES, Facts, Undo
from ostiary.storage.outbox import Mail
from ostiary.web.rendering import Renderer
from ostiary.web.translations import N_, Translations
from ostiary.web.user_agent import split_client

_TEMPLATE = "mail/letter.html"
_ISOLATE, _END = "\u2068", "\u2069"  # FSI and PDI: a name keeps its own direction inside a sentence
_JOINERS = "\u200c\u200d"  # which Persian, Indic scripts and emoji are written with

# (what happened, as a subject; the same with the method's name, as a sentence)
HAPPENED: dict[Event, tuple[str, str]] = {
    Event.BROWSER_ADD: (
        N_("A new browser signed in to your account"),
        N_("Somebody signed in to your account from a browser you had not used before."),
    ),
    Event.PASSKEY_ADD: (N_("A passkey was added to your account"), N_("The passkey “%(name)s” was added.")),
    Event.PASSKEY_RENAME: (N_("A passkey of yours was renamed"), N_("A passkey was renamed to “%(name)s”.")),
    Event.PASSKEY_REMOVE: (N_("A passkey was deleted from your account"), N_("The passkey “%(name)s” was deleted.")),
    Event.CODE_ADD: (
        N_("An authenticator app was added to your account"),
        N_("The authenticator app “%(name)s” was added."),
    ),
    Event.CODE_RENAME: (
        N_("An authenticator app of yours was renamed"),
        N_("An authenticator app was renamed to “%(name)s”."),
    ),
    Event.CODE_REMOVE: (
        N_("An authenticator app was deleted from your account"),
        N_("The authenticator app “%(name)s” was deleted."),
    ),
    Event.AUTHENTICATOR_ADD: (
        N_("An Ostiary Authenticator was added to your account"),
        N_("The Ostiary Authenticator “%(name)s” was added. It can approve sign-ins to your account."),
    ),
    Event.AUTHENTICATOR_RENAME: (
        N_("An Ostiary Authenticator of yours was renamed"),
        N_("An Ostiary Authenticator was renamed to “%(name)s”."),
    ),
    Event.AUTHENTICATOR_REMOVE: (
        N_("An Ostiary Authenticator was removed from your account"),
        N_("The Ostiary Authenticator “%(name)s” was removed. It approves no more sign-ins."),
    ),
    Event.APPROVAL_REPORT: (
        N_("You reported a sign-in that was not yours"),
        N_(
            "“%(name)s” was asked to approve a sign-in, and it was reported as not yours. It was refused. Somebody may "
            "know your password: change it."
        ),
    ),
    Event.PASSWORD_CHANGE: (N_("Your password was changed"), N_("Your password was changed.")),
    Event.SECOND_FACTOR_CHOOSE: (
        N_("Your second step was changed"),
        N_("The second step asked first was changed."),
    ),
    Event.APP_CONNECT: (
        N_("An app was signed in to your account"),
        N_("The app “%(name)s” was signed in to your account."),
    ),
    Event.PERSON_PASSWORD_SET: (
        N_("An administrator set a new password for you"),
        N_("An administrator set a new password for you."),
    ),
    Event.PERSON_METHOD_REMOVE: (
        N_("An administrator deleted a sign-in method of yours"),
        N_("An administrator deleted “%(name)s”."),
    ),
    Event.PASS_ISSUE: (
        N_("A Temporary Access Pass was issued for your account"),
        N_("A Temporary Access Pass was issued for you: a code that signs in to your account for a while."),
    ),
    Event.PASS_REMOVE: (
        N_("Your Temporary Access Pass was taken back"),
        N_("Your Temporary Access Pass was taken back."),
    ),
    Event.DISAVOW: (
        N_("We acted on your “This wasn't me”"),
        N_("You told us that something was not you. Every session of your account was ended."),
    ),
}

_NAMELESS = {"password": N_("Password"), "temporary_access_pass": N_("Temporary Access Pass")}
"""Methods of which there is one, known by their kind."""

ATTACK = N_("If somebody on the telephone asked you to do this, it is an attack.")
_WILL_UNDO = {
    Undo.METHOD: N_("That removes it, signs your account out everywhere and alerts your administrators."),
    Undo.PASSWORD: N_("That makes the password useless, signs out everywhere and alerts your administrators."),
    Undo.NOTHING: N_("That signs your account out everywhere, asks for a new password and alerts your administrators."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail in words. `facts` are (label, value); `button` what the link is called."""

    language: str
    direction: Literal["ltr", "rtl"]
    title: str
    organisation: str
    greeting: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    warning: str | None
    before_link: str | None
    button: str | None
    link: str | None
    after_link: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"{self.organisation}: {self.title}"

    def as_text(self) -> str:
        parts = [self.greeting, self.lead, "\n".join(f"{label}: {value}" for label, value in self.facts)]
        parts += [part for part in (self.warning, self.before_link) if part]
        if self.link:
            parts.append(f"{self.button}:\n{self.link}")
        return "\n\n".join([*parts, *self.after_link]) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Puts mail into words. `host` and `public_url` are from settings, `organisation` and `helpdesk` of the reader."""

    translations: Translations
    renderer: Renderer
    public_url: str
    default_language: str

    def write(self, mail: Mail, *, organisation: str, helpdesk: str | None, name: str | None) -> Letter:
        language = self.translations.language(mail.language or self.default_language).tag
        facts = json.loads(mail.facts)
        compose = self._alert if mail.letter == notices.Letter.ALERT else self._notice
        return compose(facts, language, organisation=organisation, helpdesk=helpdesk, name=name)

    def html(self, letter: Letter) -> str:
        return self.renderer.draw(_TEMPLATE, letter.language, letter=letter)

    def _notice(
        self, found: dict[str, str], language: str, *, organisation: str, helpdesk: str | None, name: str | None
    ) -> Letter:
        say = self._say(language)
        facts = Facts.from_json(json.dumps(found))
        event = Event(facts.event)
        subject, _ = HAPPENED[event]
        token = found.get("token")
        undo = NOTICES[event]
        closing = [say(_NEXT_AFTER_DISAVOWAL)] if event is Event.DISAVOW else []
        return Letter(
            language=language,
            direction=self.translations.direction(language),
            title=say(subject),
            organisation=organisation,
            greeting=self._greeting(language, name),
            lead=happened(self.translations, language, facts),
            facts=self._rows(language, facts),
            warning=say(ATTACK) if token else None,
            before_link=f"{say(_WAS_IT_YOU)} {say(_WILL_UNDO[undo])}" if token else None,
            button=say(_NOT_ME) if token else None,
            link=f"{self.public_url}/not-me/{quote(token)}" if token else None,
            after_link=(*closing, *self._closing(language, helpdesk, path="/security-info")),
        )

    def _alert(
        self, found: dict[str, str], language: str, *, organisation: str, helpdesk: str | None, name: str | None
    ) -> Letter:
        say = self._say(language)
        facts = Facts.from_json(json.dumps(found))
        done = [say(_SESSIONS_ENDED)]
        if found["removed"]:
            done.append(say(_METHOD_REMOVED))
        if not found["can_sign_in"]:
            done.append(say(_CANNOT_SIGN_IN))
        rows = (
            (say(N_("Person")), isolated(found["person"])),
            (say(N_("What they saw")), happened(self.translations, language, facts)),
            *self._rows(language, facts),
            (say(N_("They said so")), exact(self.translations, language, int(found["disavowed_at"]))),
        )
        return Letter(
            language=language,
            direction=self.translations.direction(language),
            title=say(_ALERT_SUBJECT),
            organisation=organisation,
            greeting=self._greeting(language, name),
            lead=say(_ALERT_LEAD) % {"person": isolated(found["person"])},
            facts=rows,
            warning=None,
            before_link=" ".join([*done, say(_ALERT_NEXT)]),
            button=say(N_("Their page in the admin centre")),
            link=f"{self.public_url}/admin/people/{quote(found['person_id'])}",
            after_link=self._closing(language, None, path="/admin"),
        )

    def _rows(self, language: str, facts: Facts) -> tuple[tuple[str, str], ...]:
        say = self._say(language)
        rows = [(say(N_("When")), exact(self.translations, language, facts.at))]
        if facts.event.startswith("person:passkey"):
            kept = [isolated(facts.provider or say(N_("An unknown provider")))]
            if facts.is_synced is not None:
                kept.append(say(N_("can be on several devices") if facts.is_synced else N_("on one device only")))
            rows.append((say(N_("Kept in")), " · ".join(kept)))
        browser, system = split_client(facts.client)
        if facts.actor is None or facts.address:
            device = browser or system or say(N_("Unknown"))
            if browser and system:
                device = say(N_("%(browser)s on %(system)s")) % {"browser": browser, "system": system}
            rows.append((say(N_("Device")), isolated(device)))
            rows.append((say(N_("Internet address")), isolated(facts.address or "?")))
        if facts.actor is not None:
            who = isolated(facts.actor) if facts.actor else say(N_("An administrator, on the server itself"))
            rows.append((say(N_("Done by")), who))
        return tuple(rows)

    def _greeting(self, language: str, name: str | None) -> str:
        say = self._say(language)
        return say(N_("Hello %(name)s,")) % {"name": isolated(name)} if name else say(N_("Hello,"))

    def _closing(self, language: str, helpdesk: str | None, *, path: str) -> tuple[str, ...]:
        say = self._say(language)
        host = urlsplit(self.public_url).netloc
        closing = [say(N_("You can also type the address yourself: %(address)s")) % {"address": isolated(host + path)}]
        if helpdesk:
            closing.append(say(N_("Your helpdesk: %(helpdesk)s")) % {"helpdesk": isolated(helpdesk)})
        closing.append(say(N_("Nobody from IT will phone you and ask for a password, a code or a PIN.")))
        return tuple(closing)

    def _say(self, language: str) -> Callable[[str], str]:
        return partial(self.translations.gettext, language)


def happened(translations: Translations, language: str, facts: Facts) -> str:
    """What a notice is about, in one sentence."""
    sentence = translations.gettext(language, HAPPENED[Event(facts.event)][1])
    name = translations.gettext(language, _NAMELESS.get(facts.method or "", facts.method or ""))
    return sentence % {"name": isolated(name)}


def exact(translations: Translations, language: str, at: int) -> str:
    """ "20 November 2026, 14:03 UTC": nobody knows where a mail is read."""
    locale = translations.language(language).dates
    return format_datetime(datetime.fromtimestamp(at / 1000, tz=UTC), "d MMMM y, HH:mm 'UTC'", locale=locale)


def isolated(text: str) -> str:
    """On one line, whatever it holds, and in its own direction."""
    line = " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in text).split())
    return line if line.isascii() else f"{_ISOLATE}{line}{_END}"


_WAS_IT_YOU = N_("If it was you, there is nothing to do. If it was not, open this link and press the button.")
_NOT_ME = N_("This wasn't me")
_NEXT_AFTER_DISAVOWAL = N_(
    "Sign in again and look through your sign-in methods. If you cannot sign in, talk to your helpdesk."
)
_ALERT_SUBJECT = N_("Somebody says: this wasn't me")
_ALERT_LEAD = N_("%(person)s says that a change to their sign-in was not made by them.")
_SESSIONS_ENDED = N_("Every session of the account was ended.")
_METHOD_REMOVED = N_("The sign-in method was removed.")
_CANNOT_SIGN_IN = N_("They have no strong way to sign in left, and will need help.")
_ALERT_NEXT = N_("Call them on a number you know, and look through what else changed.")
