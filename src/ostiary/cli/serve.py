"""`ostiary serve`: the identity server."""

from pathlib import Path
from typing import Annotated

import typer

from ostiary import __version__
from ostiary.cli import demo
from ostiary.cli.workplace import Data, fail, open_database, read_settings, say
from ostiary.clock import system_clock
from ostiary.storage import organizations
from ostiary.web.server import serve as serve_forever


def serve(
    data: Data = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    with_demo: Annotated[
        bool, typer.Option("--demo", help="Make the demo organisation Contoso, with known passwords, and serve it.")
    ] = False,
) -> None:
    """Run the identity server."""
    if with_demo:
        demo.refuse_public_address(host)
        settings = read_settings(data or Path(".demo"), public_url=f"http://localhost:{port}", rp_id="")
    else:
        settings = read_settings(data)
        if "public_url" not in settings.model_fields_set:
            settings = read_settings(data, public_url=f"http://localhost:{port}")
    database = open_database(settings)
    if with_demo:
        demo.prepare(settings, database, now=system_clock())
    else:
        with database.transaction() as tx:
            if organizations.the_organization(tx) is None:
                fail("There is no organisation here yet. Set it up with: ostiary admin init")
    say(f"Ostiary {__version__} on {settings.public_url}  (Ctrl+C stops it)")
    try:
        serve_forever(settings, database, host=host, port=port)
    finally:
        database.close()
