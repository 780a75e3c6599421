"""`ostiary admin trust`: the roots attestation is trusted by, and FIDO's metadata."""

from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.workplace import Data, Json, fail, open_database, read_settings, say, show_rows, transaction, when
from ostiary.clock import as_datetime, system_clock
from ostiary.identity import provider_lists, trust
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.provider_names import name_of
from ostiary.identity.trust import Trust
from ostiary.passkeys import Aaguid
from ostiary.passkeys.metadata import MetadataError
from ostiary.web.metadata_refresh import download, source_of

_ACCEPT = "To have it, accept FIDO's terms: OSTIARY_MDS_ACCEPT_TERMS=true"

app = typer.Typer(help="What attestation is trusted by.", no_args_is_help=True)


@app.command("list")
def list_roots(data: Data = None, as_json: Json = False) -> None:
    """List the roots an administrator added."""
    with transaction(data) as tx:
        rows = [
            {
                "id": root.id,
                "name": root.name,
                "subject": root.certificate.subject.rfc4514_string(),
                "until": root.certificate.not_valid_after_utc.date().isoformat(),
                "aaguids": list(root.aaguids),
                "added": when(root.added_at),
                "by": root.actor,
            }
            for root in trust.list_roots(tx)
        ]
    show_rows(rows, as_json=as_json)


@app.command("add")
def add_root(
    certificate: Annotated[Path, typer.Argument(help="The root's certificate, PEM or DER.")],
    name: Annotated[str, typer.Option(help="Whose it is.")],
    aaguid: Annotated[
        list[str] | None, typer.Option(help="A model it may vouch for; may be given more than once.")
    ] = None,
    data: Data = None,
) -> None:
    """Trust a root, for some models or for those that nobody else speaks for."""
    if not certificate.is_file():
        fail(f"There is no file {certificate}.")
    with transaction(data) as tx:
        root = trust.add_root(
            tx,
            name=name,
            certificate=certificate.read_bytes(),
            aaguids=tuple(aaguid or ()),
            actor=None,
            now=system_clock(),
        )
    say(f"{root.name} is trusted.")


@app.command("remove")
def remove_root(root_id: str, data: Data = None) -> None:
    """Trust a root no more."""
    with transaction(data) as tx:
        trust.remove_root(tx, root_id, actor=None, now=system_clock())
    say("Removed.")


@app.command("import-names")
def import_names(
    file: Annotated[Path, typer.Argument(help='A JSON file of the form {"<aaguid>": {"name": "..."}}.')],
    data: Data = None,
) -> None:
    """Learn what more passkey providers are called, instead of what was imported before."""
    if not file.is_file():
        fail(f"There is no file {file}.")
    with transaction(data) as tx:
        count = provider_lists.import_list(tx, file.read_bytes(), actor=None, caller=COMMAND_LINE, now=system_clock())
    say(f"{count} names are known. A running server uses them within five minutes.")


@app.command("metadata")
def show_metadata(data: Data = None, as_json: Json = False) -> None:
    """Show what is kept of FIDO's metadata, and registered passkeys whose model is compromised."""
    settings = read_settings(data)
    now = system_clock()
    held = Trust()
    with transaction(data) as tx:
        state = trust.metadata_state(tx, now)
        blob = trust.stored_blob(tx)
        if blob is not None:
            held.use(trust.load_metadata(blob, root=source_of(settings).root, now=now))
        compromised = held.compromised_passkeys(tx, as_datetime(now))
    if not as_json:
        if state is None:
            say("None is kept.")
            if not settings.mds_accept_terms:
                say(_ACCEPT)
        else:
            due = "overdue since" if state.is_overdue else "next due"
            say(f"Number {state.number}, fetched {when(state.fetched_at)}, {due} {state.next_update}.")
    rows = []
    for passkey in compromised:
        rows.append(
            {
                "username": passkey.username,
                "passkey": passkey.name,
                "model": name_of(Aaguid.parse(passkey.aaguid)) or passkey.aaguid,
                "action": f"ostiary admin user remove-method {passkey.username} {passkey.method_id}",
            }
        )
    if rows or as_json:
        show_rows(rows, as_json=as_json)


@app.command("refresh")
def refresh_metadata(
    file: Annotated[Path | None, typer.Option(help="A blob downloaded elsewhere; the service's otherwise.")] = None,
    data: Data = None,
) -> None:
    """Verify and keep a newer blob of FIDO's metadata now."""
    settings = read_settings(data)
    source = source_of(settings)
    if not source.is_accepted:
        fail(_ACCEPT)
    now = system_clock()
    database = open_database(settings)
    try:
        blob = file.read_bytes() if file else download(source.url)
        with database.transaction() as tx:
            state = trust.metadata_state(tx, now)
        newest = state.number if state else None
        metadata = trust.load_metadata(blob, root=source.root, now=now, newer_than=newest)
        with database.transaction() as tx:
            trust.keep_metadata(tx, metadata, blob, now=now)
    except (MetadataError, OSError) as error:
        fail(f"Not kept: {error}")
    finally:
        database.close()
    say(f"Number {metadata.number} is kept.")
