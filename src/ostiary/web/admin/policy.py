"""`/admin/policy`: the policy as sentences, changed part by part, looked at before it is saved, and put back."""

from typing import Final

from starlette.responses import Response

from ostiary.identity import admission, policy_changes
from ostiary.identity.policy.document import dump, load
from ostiary.identity.policy.impact import Impact, preview
from ostiary.identity.policy.model import DEFAULT_PROFILE, PasskeyProfile, Policy
from ostiary.identity.policy_changes import Reading
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage.policies import PolicyVersion
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import (
    ImpactLine,
    MethodPolicyPage,
    PolicyPage,
    PreviewPage,
    ProfilePage,
    VersionPage,
    VersionRow,
)
from ostiary.web.admin.policy_forms import (
    MOST_FIELDS,
    changed,
    group_choices,
    other_aaguids,
    provider_choices,
)
from ostiary.web.admin.policy_words import METHOD_PARTS, differences, policy_view
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.explaining import fault_words, impact_rows
from ostiary.web.pages import Problem
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit, sign_in_path

_PATH: Final = "/admin/policy"


async def show(visit: Visit) -> Response:
    """`GET /admin/policy`"""
    read = await visit.read(policy_changes.read, actor=actor(visit))
    versions = await visit.read(policy_changes.versions, actor=actor(visit))
    page = PolicyPage(
        frame=await make_frame(visit, "policy"),
        policy=policy_view(read.policy, read.groups),
        number=read.number,
        versions=tuple(_version_row(version, is_in_force=version.version == read.number) for version in versions),
    )
    return await answer_page(visit, page)


def _version_row(version: PolicyVersion, *, is_in_force: bool) -> VersionRow:
    return VersionRow(
        number=version.version, at=version.at, actor=version.actor, note=version.note, is_in_force=is_in_force
    )


# --- Forms


async def show_method(visit: Visit) -> Response:
    """`GET /admin/policy/methods/{part}`"""
    read = await visit.read(policy_changes.read_to_change, actor=actor(visit))
    part = visit.parameters["part"]
    policy = read.policy
    frame = await make_frame(visit, "policy")
    if part == "passkey":
        one = policy.passkey
        page = MethodPolicyPage(
            frame=frame,
            part="passkey",
            number=read.number,
            is_enabled=one.is_enabled,
            is_self_service_allowed=one.is_self_service_allowed,
            groups=group_choices(read.groups, include=frozenset(), exclude=one.exclude, policy=one),
            profiles=one.profiles,
        )
        return await answer_page(visit, page)
    if part not in METHOD_PARTS:
        raise Refusal(RequestReason.PAGE_UNKNOWN)
    method = getattr(policy, part)
    page = MethodPolicyPage(
        frame=frame,
        part=part,
        number=read.number,
        is_enabled=method.is_enabled,
        is_self_service_allowed=method.is_self_service_allowed,
        groups=group_choices(read.groups, include=method.include, exclude=method.exclude),
        settings=policy.pass_settings if part == "temporary_access_pass" else None,
        is_passwordless_allowed=part == "authenticator" and policy.authenticator.is_passwordless_allowed,
    )
    return await answer_page(visit, page)


async def show_profile(visit: Visit) -> Response:
    """`GET /admin/policy/profiles/{profile_id}`; `new` for one more."""
    read = await visit.read(policy_changes.read_to_change, actor=actor(visit))
    id = visit.parameters["profile_id"]
    profiles = read.policy.passkey.profiles
    profile = next((one for one in profiles if one.id == id), None)
    if profile is None and id != "new":
        raise Refusal(RequestReason.PAGE_UNKNOWN)
    shown = profile or PasskeyProfile(id="new", name="")
    restrictions = shown.rules.key_restrictions
    page = ProfilePage(
        frame=await make_frame(visit, "policy"),
        profile=shown,
        number=read.number,
        is_new=profile is None,
        can_delete=profile is not None and profile.id != DEFAULT_PROFILE,
        enforcement=restrictions.enforcement if restrictions else None,
        providers=provider_choices(shown),
        other_aaguids=other_aaguids(shown),
    )
    return await answer_page(visit, page)


# --- Preview and save


async def show_preview(visit: Visit) -> Response:
    """`POST /admin/policy/preview`: of a form, or of an earlier version to be put back. Changes nothing."""
    form = await visit.form(most_fields=MOST_FIELDS)
    read = await visit.read(policy_changes.read_to_change, actor=actor(visit))
    if "version" in form:
        number = _number(form["version"])
        policy = await visit.read(policy_changes.numbered, number, actor=actor(visit))
        note = visit.say("Version %(number)s put back") % {"number": number}
        return await _preview(visit, read, policy, based_on=read.number, note=note)
    policy = changed(read.policy, form, read.groups)
    return await _preview(visit, read, policy, based_on=_number(form.get("based_on", "")))


async def save(visit: Visit) -> Response:
    """`POST /admin/policy`: what a preview showed. Proof that has become too old loses nothing: the page asks for it in
    another tab."""
    form = await visit.form()
    policy, note, based_on = load(form.get("document", "")), form.get("note", ""), _number(form.get("based_on", ""))
    me = visit.session()
    try:
        await visit.read(admission.admit_administrator, me, is_fresh=True, now=visit.now)
        await visit.write(
            policy_changes.save,
            policy,
            based_on=based_on,
            note=note,
            actor=me.person,
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.reason is Reason.FRESH_MFA_REQUIRED:
            confirm_path = sign_in_path("/admin/policy/confirmed", step_up="1")
            read = await visit.read(policy_changes.read_to_change, actor=me.person)
            return await _preview(visit, read, policy, based_on=based_on, note=note, confirm_path=confirm_path)
        if refusal.reason not in (Reason.POLICY_CHANGED_MEANWHILE, Reason.POLICY_INVALID):
            raise
        told = await tell(visit, refusal)
        read = await visit.read(policy_changes.read_to_change, actor=me.person)
        return await _preview(visit, read, policy, based_on=based_on, note=note, problem=told.problem)
    return redirect(visit, f"{_PATH}?done=policy_saved")


async def confirmed(visit: Visit) -> Response:
    """`GET /admin/policy/confirmed`: where the step-up in the other tab ends."""
    return redirect(visit, f"{_PATH}?done=confirmed")


async def _preview(
    visit: Visit,
    read: Reading,
    policy: Policy,
    *,
    based_on: int,
    note: str = "",
    confirm_path: str | None = None,
    problem: Problem | None = None,
) -> Response:
    seen = await visit.site.database.survey(preview, policy, now=visit.now)
    page = PreviewPage(
        frame=await make_frame(visit, "policy"),
        differences=differences(read.policy, policy, read.groups),
        faults=tuple((fault.where, fault_words(fault, visit.say)) for fault in seen.faults),
        doubts=tuple((doubt.where, fault_words(doubt, visit.say)) for doubt in seen.doubts),
        impact=_lines(visit, seen.at_once),
        later=_lines(visit, seen.in_the_end) if seen.grace_ends is not None and seen.in_the_end != seen.at_once else (),
        grace_ends=seen.grace_ends,
        people=seen.at_once.people,
        document=dump(policy),
        based_on=based_on,
        back_path=_PATH,
        note=note,
        confirm_path=confirm_path,
        problem=problem,
    )
    status = 409 if problem else 403 if confirm_path else 200
    return await answer_page(visit, page, status)


def _lines(visit: Visit, impact: Impact) -> tuple[ImpactLine, ...]:
    grave = (impact.lose_every_way, impact.lose_every_passkey)
    return tuple(
        ImpactLine(
            number=affected.number,
            names=tuple(one.display_name or one.username for one in affected.examples),
            words=words,
            is_grave=affected in grave,
        )
        for affected, words in impact_rows(impact, visit.say)
    )


# --- Versions


async def show_version(visit: Visit) -> Response:
    """`GET /admin/policy/versions/{number}`"""
    read = await visit.read(policy_changes.read, actor=actor(visit))
    step = await visit.read(policy_changes.step, _number(visit.parameters["number"]), actor=actor(visit))
    page = VersionPage(
        frame=await make_frame(visit, "policy"),
        version=_version_row(step.version, is_in_force=step.is_in_force),
        differences=differences(step.before, step.after, read.groups),
    )
    return await answer_page(visit, page)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Refusal(RequestReason.REQUEST_INVALID)
    return int(text)
