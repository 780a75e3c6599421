"""`ostiary admin attestation`: the organisation's own authority, and the Authenticators it vouches for."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from ostiary.cli.workplace import Data, Json, fail, read_settings, say, show_rows, transaction, when
from ostiary.clock import system_clock
from ostiary.identity import administration, attestation, attestation_authority, attestation_vouchers
from ostiary.identity.attestation import CODE_MINUTES, MODELS, Enrolled
from ostiary.identity.attestation_authority import Authority
from ostiary.identity.provider_names import name_of
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sealing import Sealer, key_from_file
from ostiary.passkeys.attestation.issuing import UNKNOWN_COUNTRY
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.storage.trust import PasskeyOfModel

app = typer.Typer(help="The organisation's own attestation of Ostiary Authenticators.", no_args_is_help=True)

Model = Annotated[str, typer.Option(help=f"Where it keeps its keys: {' or '.join(MODELS)}.")]
Output = Annotated[Path | None, typer.Option("--out", help="A file to write to; printed otherwise.")]


@app.command()
def init(
    is_replacing: Annotated[
        bool, typer.Option("--replace", help="Let a new one issue instead. What the older one issued stays good.")
    ] = False,
    country: Annotated[str, typer.Option(help="The country in its certificates, in two letters.")] = UNKNOWN_COUNTRY,
    data: Data = None,
) -> None:
    """Create the authority. Its key is sealed in the database and leaves it never."""
    sealer = _sealer(data)
    with transaction(data) as tx:
        authority = attestation_authority.create_authority(
            tx, sealer, country=country, is_replacing=is_replacing, actor=None, now=system_clock()
        )
    say("The authority is there, and trusted from now on for the Ostiary Authenticator.")
    say(f"SHA-256 fingerprint: {_fingerprint(authority)}")
    say("Enrol an Authenticator with a code:  ostiary admin attestation code --for USER")


@app.command()
def status(data: Data = None, as_json: Json = False) -> None:
    """Show the authorities, and passkeys that a certificate revoked since vouched for."""
    with transaction(data) as tx:
        authorities = attestation_authority.list_authorities(tx)
        passkeys = attestation_vouchers.passkeys_of_revoked(tx)
    rows = [
        {
            "id": one.id,
            "state": _state(one),
            "created": when(one.created_at),
            "by": one.actor,
            "until": one.certificate.not_valid_after_utc.date().isoformat(),
            "fingerprint": _fingerprint(one),
        }
        for one in authorities
    ]
    suspect = [_suspect(one) for one in passkeys]
    if as_json:
        print(json.dumps({"authorities": rows, "passkeys_of_revoked": suspect}, ensure_ascii=False, indent=2))
        return
    if not rows:
        say("There is no authority yet. Create it with:  ostiary admin attestation init")
        return
    show_rows(rows, as_json=False)
    if suspect:
        say("\nPasskeys that a revoked certificate vouched for:")
        show_rows(suspect, as_json=False)


@app.command()
def export(out: Output = None, data: Data = None) -> None:
    """Give out the root certificates that are trusted, in PEM, the issuing one last."""
    with transaction(data) as tx:
        authorities = attestation_authority.list_authorities(tx)
    trusted = [one for one in authorities if one.removed_at is None]
    if not trusted:
        fail("There is no authority yet. Create it with:  ostiary admin attestation init")
    _write(out, "".join(one.pem for one in sorted(trusted, key=lambda one: one.is_issuing)))


@app.command()
def remove(authority_id: Annotated[str, typer.Argument(help="As `status` shows it.")], data: Data = None) -> None:
    """Trust an authority no more, with all that it issued. Registered passkeys stay."""
    with transaction(data) as tx:
        attestation_authority.remove_authority(tx, authority_id, actor=None, now=system_clock())
    say("Removed. Its key is destroyed, and what it issued is no longer trusted.")


@app.command("list")
def list_enrolled(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100, data: Data = None, as_json: Json = False
) -> None:
    """List the enrolled Authenticators, the newest first."""
    with transaction(data) as tx:
        found = attestation.list_enrolled(tx, limit=limit)
    show_rows([_row(one) for one in found], as_json=as_json)


@app.command()
def revoke(
    serial: Annotated[str, typer.Argument(help="As `list` shows it.")], data: Data = None, as_json: Json = False
) -> None:
    """Refuse registrations with an Authenticator's certificate, and show the passkeys it vouched for."""
    with transaction(data) as tx:
        revoked = attestation.revoke(tx, serial, actor=None, now=system_clock())
        passkeys = attestation_vouchers.passkeys_of(tx, revoked.serial)
    if as_json:
        answer = {**_row(revoked), "passkeys": [_suspect(one) for one in passkeys]}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    say(f"Revoked: {revoked.serial}. Registrations with it are refused from now on.")
    if passkeys:
        say("It vouched for these passkeys, which still sign in until they are removed:")
        show_rows([_suspect(one) for one in passkeys], as_json=False)


@app.command()
def code(
    username: Annotated[str | None, typer.Option("--for", help="Whose Authenticator it is to enrol.")] = None,
    is_for_anybody: Annotated[bool, typer.Option("--anybody", help="Whoever is signed in and has it.")] = False,
    model: Model = "sealed-file",
    minutes: Annotated[int, typer.Option(help="How long it is valid.")] = CODE_MINUTES,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a one-time code, shown only now, by which one Authenticator is enrolled."""
    if (username is None) is not is_for_anybody:
        fail("Say who it is for: either --for USER or --anybody.")
    sealer = _sealer(data)
    with transaction(data) as tx:
        person = _person(tx, username)
        issued = attestation.issue_code(
            tx, sealer, model=model, person=person, minutes=minutes, actor=None, now=system_clock()
        )
    whom = person.username if person else None
    if as_json:
        facts = {"code": issued.code, "for": whom, "model": str(issued.model), "expires": when(issued.expires_at)}
        print(json.dumps(facts, indent=2))
        return
    say(f"The enrolment code for {whom or 'whoever has it'}, shown only now: {issued.code}")
    say(f"For one {name_of(issued.model)}, until {when(issued.expires_at)}.")


@app.command()
def enrol(
    request: Annotated[Path, typer.Argument(help="The Authenticator's certificate request, in PEM.")],
    model: Model,
    username: Annotated[str | None, typer.Option("--for", help="Whose it is.")] = None,
    out: Output = None,
    data: Data = None,
) -> None:
    """Issue a certificate for a request brought here, without a code."""
    if not request.is_file():
        fail(f"There is no file {request}.")
    settings, sealer = read_settings(data), _sealer(data)
    relying_party = RelyingParty(settings.relying_party_id, "", settings.origins)
    with transaction(data) as tx:
        enrolment = attestation.enrol_by_hand(
            tx,
            sealer,
            relying_party,
            request_pem=request.read_bytes().decode(errors="replace"),
            model=model,
            person=_person(tx, username),
            actor=None,
            now=system_clock(),
        )
    print(f"Serial number {enrolment.serial}, for {', '.join(enrolment.rp_ids)} only.", file=sys.stderr)
    _write(out, "".join(_pems(enrolment.certificates)))


def _sealer(data: Path | None) -> Sealer:
    settings = read_settings(data)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Sealer(key_from_file(settings.data / "sealing.key"))


def _person(tx: Transaction, username: str | None) -> Person | None:
    return None if username is None else administration.find_person(tx, username)


def _write(out: Path | None, text: str) -> None:
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}")
    say(f"Written to {out}.")


def _pems(certificates: Iterable[bytes]) -> Iterable[str]:
    return (load_der_x509_certificate(one).public_bytes(Encoding.PEM).decode() for one in certificates)


def _state(authority: Authority) -> str:
    if authority.removed_at is not None:
        return "removed"
    return "issuing" if authority.is_issuing else "trusted"


def _fingerprint(authority: Authority) -> str:
    return authority.certificate.fingerprint(SHA256()).hex(":").upper()


def _row(one: Enrolled) -> dict[str, object]:
    return {
        "serial": one.serial,
        "model": name_of(one.model) or str(one.model),
        "for": one.username,
        "enrolled": when(one.enrolled_at),
        "by": one.actor,
        "until": when(one.expires_at),
        "revoked": when(one.revoked_at),
        "authority": one.authority_id,
    }


def _suspect(one: PasskeyOfModel) -> dict[str, object]:
    return {
        "username": one.username,
        "passkey": one.name,
        "action": f"ostiary admin user remove-method {one.username} {one.method_id}",
    }
