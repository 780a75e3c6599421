"""`/admin/trust`: where attestation must lead to be believed."""

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.responses import Response

from ostiary.clock import as_datetime
from ostiary.identity import attestation, attestation_authority, attestation_vouchers, directory, provider_lists, trust
from ostiary.identity.attestation import Enrolled
from ostiary.identity.attestation_authority import Authority
from ostiary.identity.permissions import Permission
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.trust import MetadataState, Root
from ostiary.storage import trust as storage_trust
from ostiary.storage.trust import PasskeyOfModel
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import (
    AuthenticatorRow,
    AuthorityRow,
    CompromisedRow,
    ConfirmPage,
    MetadataView,
    RootRow,
    TrustPage,
)
from ostiary.web.admin.policy_words import names_of_aaguids
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.visit import Visit

_PATH = "/admin/trust"
_AUTHENTICATORS = 50
"""So many of the newest are shown; `ostiary admin attestation list` has them all."""


async def show(visit: Visit) -> Response:
    """`GET /admin/trust`"""
    return await _page(visit, {})


async def add(visit: Visit) -> Response:
    form = await visit.form()
    try:
        await visit.write(
            trust.add_root,
            name=form.get("name", ""),
            certificate=form.get("certificate", "").strip().encode(),
            aaguids=tuple(form.get("aaguids", "").replace(",", " ").split()),
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _page(visit, form, refusal)
    return redirect(visit, f"{_PATH}?done=root_added")


async def import_names(visit: Visit) -> Response:
    """`POST /admin/trust/names`"""
    form = await visit.form()
    try:
        await visit.write(
            provider_lists.import_list,
            form.get("list", "").encode(),
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _page(visit, {}, refusal)
    return redirect(visit, f"{_PATH}?done=names_imported")


async def show_remove(visit: Visit) -> Response:
    """`GET /admin/trust/{root_id}/remove`"""
    await visit.read(directory.require, actor(visit), Permission.TRUST_WRITE)
    roots = await visit.read(trust.list_roots)
    root = next((one for one in roots if one.id == visit.parameters["root_id"]), None)
    if root is None:
        raise Refusal(Reason.ROOT_UNKNOWN)
    page = ConfirmPage(
        frame=await make_frame(visit, "trust"),
        what="remove_root",
        name=root.name,
        path=visit.path,
        back_path=_PATH,
    )
    return await answer_page(visit, page)


async def remove(visit: Visit) -> Response:
    await visit.write(
        trust.remove_root, visit.parameters["root_id"], actor=actor(visit), caller=visit.caller, now=visit.now
    )
    return redirect(visit, f"{_PATH}?done=root_removed")


async def _page(visit: Visit, form: dict[str, str], refusal: Refusal | None = None) -> Response:
    await visit.read(directory.require, actor(visit), Permission.TRUST_READ)
    roots = await visit.read(trust.list_roots)
    compromised = await visit.read(visit.site.trust.compromised_passkeys, as_datetime(visit.now))
    authorities = await visit.read(attestation_authority.list_authorities)
    enrolled = await visit.read(attestation.list_enrolled, limit=_AUTHENTICATORS + 1)
    unvouched = await visit.read(attestation_vouchers.passkeys_of_revoked)
    told = await tell(visit, refusal) if refusal else None
    page = TrustPage(
        frame=await make_frame(visit, "trust"),
        roots=tuple(_row(root) for root in roots),
        metadata=_metadata(await visit.read(trust.metadata_state, visit.now)),
        imported_names=len(await visit.read(storage_trust.imported_names)),
        compromised=tuple(_compromised(one) for one in compromised),
        authorities=tuple(_authority(one) for one in authorities if one.removed_at is None),
        authenticators=tuple(_authenticator(one) for one in enrolled[:_AUTHENTICATORS]),
        has_more_authenticators=len(enrolled) > _AUTHENTICATORS,
        unvouched=tuple(_compromised(one) for one in unvouched),
        name=form.get("name", ""),
        certificate=form.get("certificate", ""),
        aaguids=form.get("aaguids", ""),
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


def _row(root: Root) -> RootRow:
    return RootRow(
        id=root.id,
        name=root.name,
        subject=_subject(root.certificate),
        fingerprint=_fingerprint(root.certificate),
        expires=int(root.certificate.not_valid_after_utc.timestamp()) * 1000,
        aaguids=names_of_aaguids(root.aaguids),
        added=root.added_at,
        actor=root.actor,
    )


def _compromised(one: PasskeyOfModel) -> CompromisedRow:
    return CompromisedRow(
        person_id=one.person_id,
        username=one.username,
        name=one.name or "",
        model=names_of_aaguids((one.aaguid,))[0],
    )


def _authority(authority: Authority) -> AuthorityRow:
    return AuthorityRow(
        id=authority.id,
        subject=_subject(authority.certificate),
        fingerprint=_fingerprint(authority.certificate),
        expires=int(authority.certificate.not_valid_after_utc.timestamp()) * 1000,
        created=authority.created_at,
        actor=authority.actor,
        is_issuing=authority.is_issuing,
    )


def _authenticator(one: Enrolled) -> AuthenticatorRow:
    return AuthenticatorRow(
        serial=one.serial,
        model=names_of_aaguids((str(one.model),))[0],
        username=one.username,
        enrolled=one.enrolled_at,
        actor=one.actor,
        revoked=one.revoked_at,
    )


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex(":").upper()


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def _metadata(state: MetadataState | None) -> MetadataView | None:
    if state is None:
        return None
    return MetadataView(
        number=state.number, fetched=state.fetched_at, next_update=state.next_update, is_overdue=state.is_overdue
    )
