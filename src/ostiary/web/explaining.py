"""All wording of explanations: each rule that was looked at, in a sentence, and where it says no, what helps."""

from collections.abc import Callable, Mapping
from typing import Final

from ostiary.identity.policy.document import Fault
from ostiary.identity.policy.explain import Explanation, Finding, Mark, PasskeyVerdict, Rule
from ostiary.identity.policy.impact import Affected, Impact
from ostiary.identity.policy.model import PasskeyType
from ostiary.web.pages import RuleRow
from ostiary.web.translations import N_
from ostiary.web.wording import WORDING

Say = Callable[[str], str]
_ASK_POLICY = N_("Whoever administers the policy can change this.")

RULES: Final[Mapping[Rule, tuple[str, str | None]]] = {
    Rule.ACCOUNT_ENABLED: (N_("The account is enabled."), None),
    Rule.ACCOUNT_DISABLED: (
        N_("The account is disabled: nothing signs in to it."),
        N_("An administrator can enable it."),
    ),
    Rule.PASSKEYS_ON: (N_("Passkeys are turned on."), None),
    Rule.PASSKEYS_OFF: (N_("Passkeys are turned off for everybody."), _ASK_POLICY),
    Rule.NOT_EXCLUDED: (N_("None of the groups is excluded from passkeys."), None),
    Rule.EXCLUDED: (
        N_("Excluded from passkeys by group: %(groups)s. Exclusion wins over everything else."),
        N_("Leave the group, or have the policy exclude it no more."),
    ),
    Rule.TARGETED: (N_("The profile “%(profile)s” applies, by group: %(groups)s."), None),
    Rule.NOT_TARGETED: (
        N_("No passkey profile applies to any of the groups."),
        N_("Join a group that the policy names, or have the policy name one of the groups."),
    ),
    Rule.SELF_SERVICE_ON: (N_("People may add passkeys themselves."), None),
    Rule.SELF_SERVICE_OFF: (
        N_("People may not add passkeys themselves."),
        N_("An administrator can add one, or allow it in the policy."),
    ),
    Rule.PROFILE_SELF_SERVICE_OFF: (
        N_("“%(profile)s” does not let people add passkeys themselves."),
        N_("An administrator can add one."),
    ),
    Rule.PROFILE_ANY_TYPE: (
        N_("“%(profile)s” takes passkeys that are synced and passkeys that stay on one device."),
        None,
    ),
    Rule.PROFILE_DEVICE_BOUND: (
        N_("“%(profile)s” takes only passkeys that stay on one device."),
        N_("Use a security key, this computer or an authenticator app."),
    ),
    Rule.PROFILE_SYNCED: (
        N_("“%(profile)s” takes only passkeys that are synced."),
        N_("Use a password manager that syncs passkeys."),
    ),
    Rule.PROFILE_ATTESTED: (
        N_("“%(profile)s” takes only passkeys whose maker can be verified, when they are added."),
        N_("Use a security key or authenticator that vouches for itself."),
    ),
    Rule.PROFILE_ACCEPTS: (N_("“%(profile)s” takes only passkeys saved in %(providers)s."), N_("Use one of these.")),
    Rule.PROFILE_BLOCKS: (
        N_("“%(profile)s” takes no passkeys saved in %(providers)s."),
        N_("Use any other provider."),
    ),
    Rule.PROFILE_TAKES_NONE: (N_("“%(profile)s” contradicts itself: no passkey can satisfy it."), _ASK_POLICY),
    Rule.PROFILE_FULL: (
        N_("“%(profile)s” lets people have at most this many passkeys: %(most)s."),
        N_("Delete one that is no longer used."),
    ),
    Rule.ROOM: (N_("There is room for more passkeys: %(owned)s of at most %(most)s."), None),
    Rule.NO_ROOM: (
        N_("There are as many passkeys as there can be: %(owned)s of %(most)s."),
        N_("Delete one that is no longer used."),
    ),
    Rule.SECOND_FACTOR: (N_("There are two factors to prove who adds a passkey."), None),
    Rule.NO_SECOND_FACTOR: (
        N_("There are no two factors that policy lets be used, and adding a passkey needs them."),
        N_("Set up an authenticator app, or get a Temporary Access Pass from the helpdesk."),
    ),
    Rule.PROOF_FRESH: (N_("The last proof of identity is fresh enough to add a passkey now."), None),
    Rule.PROOF_STALE: (
        N_("The last proof of identity is older than five minutes."),
        N_("It is asked for once more when a passkey is added."),
    ),
    Rule.PROOF_ASKED: (N_("Adding a passkey asks for a proof not older than five minutes."), None),
    Rule.PASS_USABLE: (N_("There is a Temporary Access Pass that can be used now."), None),
    Rule.PASS_DISABLED: (
        N_("There is a Temporary Access Pass, but policy does not let it be used."),
        N_("The policy can turn passes on for a group. Where it wants one-time passes, the helpdesk can issue one."),
    ),
    Rule.PASS_EXPIRED: (N_("The Temporary Access Pass has expired."), N_("The helpdesk can issue a new one.")),
    Rule.PASS_NOT_YET_VALID: (
        N_("The Temporary Access Pass is not valid yet."),
        N_("Wait until it is, or have a new one issued."),
    ),
    Rule.PASS_USED: (N_("The one-time pass has been used."), N_("The helpdesk can issue a new one.")),
    Rule.PASSWORD_OFF: (N_("Policy does not let the password be used."), N_("Use a passkey instead.")),
    Rule.CODE_OFF: (N_("Policy does not let codes be used."), N_("Use a passkey instead.")),
    Rule.AUTHENTICATOR_OFF: (
        N_("Policy does not let the Ostiary Authenticator approve sign-ins."),
        N_("Use a passkey instead."),
    ),
    Rule.PASSWORDLESS: (N_("The Ostiary Authenticator can approve a sign-in without a password."), None),
    Rule.CAN_SIGN_IN: (N_("There is a way to sign in that policy allows."), None),
    Rule.CANNOT_SIGN_IN: (
        N_("No way to sign in is left."),
        N_("The helpdesk can issue a Temporary Access Pass, with which an accepted passkey can be added."),
    ),
    Rule.NO_METHOD_YET: (
        N_("There is no sign-in method at all."),
        N_("The helpdesk can issue a Temporary Access Pass, with which the first passkey can be added."),
    ),
}
_TYPES: Final = {
    PasskeyType.DEVICE_BOUND: N_("stays on one device"),
    PasskeyType.SYNCED: N_("can be synced"),
}
_USABLE: Final = N_("“%(name)s” (%(provider)s, %(type)s) signs in, by “%(profile)s”.")
_IN_GRACE: Final = N_("“%(name)s” (%(provider)s, %(type)s) signs in only until its grace period ends: %(until)s.")
_REFUSED: Final = N_("“%(name)s” (%(provider)s, %(type)s) does not sign in. %(why)s")
_REPLACE: Final = N_("Add one that is accepted, then delete this one here and where it is saved.")

IMPACT: Final[Mapping[str, str]] = {
    "lose_every_passkey": N_("lose every passkey that signs in"),
    "lose_some": N_("lose some of their passkeys"),
    "lose_every_way": N_("lose every way to sign in"),
    "gain_a_way": N_("can sign in who could not"),
    "gain_passkeys": N_("have passkeys that sign in again"),
    "may_add_no_more": N_("can add no more passkeys themselves"),
    "may_add_now": N_("can add passkeys themselves who could not"),
}

FLAWS: Final = (
    # the sentences of `identity.policy.document.Flaw`, marked for translation here
    N_("A profile needs a name of 1 to 60 characters."),
    N_("There are two profiles of this name."),
    N_("No passkey can satisfy this profile: its types and restrictions have nothing in common."),
    N_("This is not an AAGUID: %(aaguid)s"),
    N_("The largest number of passkeys is 1 to 10."),
    N_("The grace period is 0 to 365 days."),
    N_("The default profile cannot be deleted. Take it from its targets instead."),
    N_("A target needs at least one profile."),
    N_("It names a profile that does not exist."),
    N_("Lifetimes rise from minimum over default to maximum, %(least)s to %(most)s minutes."),
    N_("A pass has %(least)s to %(most)s characters."),
    N_("No target names this profile, so it counts for nobody."),
    N_("None of the providers it accepts usually makes the type of passkey it asks for."),
    N_("It excludes everyone."),
    N_("There is no group %(group)s."),
)


def fault_words(fault: Fault, say: Say) -> str:
    return say(fault.flaw.value) % fault.names


def rule_row(finding: Finding, say: Say) -> RuleRow:
    title, cure = RULES[finding.rule]
    names = {key: say(N_("everyone")) if value == "everyone" else value for key, value in finding.names.items()}
    is_cure_due = cure is not None and finding.mark is not Mark.OK
    return RuleRow(
        verdict=finding.mark.value,
        title=say(title) % names,
        cure=say(cure) if cure is not None and is_cure_due else None,
    )


def passkey_row(passkey: PasskeyVerdict, say: Say, when: Callable[[int], str]) -> RuleRow:
    """`when` writes an instant for the reader."""
    names = {
        "name": passkey.name,
        "provider": passkey.provider or say(N_("provider unknown")),
        "type": say(_TYPES[passkey.type]),
        "profile": passkey.allowed_by or "",
    }
    if passkey.reason is not None:
        why = say(WORDING[passkey.reason.value].title)
        return RuleRow(verdict="no", title=say(_REFUSED) % {**names, "why": why}, cure=say(_REPLACE))
    if passkey.until is not None:
        return RuleRow(
            verdict="note", title=say(_IN_GRACE) % {**names, "until": when(passkey.until)}, cure=say(_REPLACE)
        )
    return RuleRow(verdict="ok", title=say(_USABLE) % names)


def rule_rows(explanation: Explanation, say: Say) -> tuple[RuleRow, ...]:
    return tuple(rule_row(one, say) for one in explanation.findings)


def passkey_rows(explanation: Explanation, say: Say, when: Callable[[int], str]) -> tuple[RuleRow, ...]:
    return tuple(passkey_row(one, say, when) for one in explanation.passkeys)


def impact_rows(impact: Impact, say: Say) -> tuple[tuple[Affected, str], ...]:
    """(how many and who, what becomes of them), without what becomes of nobody."""
    rows = ((getattr(impact, name), say(words)) for name, words in IMPACT.items())
    return tuple((affected, words) for affected, words in rows if affected.number)
