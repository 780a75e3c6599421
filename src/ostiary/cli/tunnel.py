"""`ostiary tunnel`: the hybrid transport's tunnel service, alone."""

import asyncio
import ssl
from pathlib import Path
from typing import Annotated

import typer

from ostiary.hybrid.domains import FIRST_HASHED, all_domains
from ostiary.hybrid.tunnel.exchange import Exchange
from ostiary.hybrid.tunnel.server import TunnelServer, run


def tunnel(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 picks one.", min=0, max=65535)] = 8443,
    routing_id: Annotated[
        str, typer.Option(help="Six hexadecimal digits that name this instance among several; random when empty.")
    ] = "",
    certificate: Annotated[
        Path | None, typer.Option(help="A PEM file with certificates, to speak TLS without a proxy in front.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="A PEM file with the key that belongs to them.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Count by the address that the proxy writes in X-Forwarded-For.")
    ] = False,
    domains: Annotated[
        bool, typer.Option("--domains", help="List every number and the name an organisation could register for it.")
    ] = False,
) -> None:
    """Run the service that joins a phone and a computer."""
    if domains:
        for number, name in all_domains():
            if number >= FIRST_HASHED:
                typer.echo(f"{number}\t{name}")
        return
    exchange = Exchange(routing_id=_routing_id(routing_id))

    def ready(found: int) -> None:
        scheme = "wss" if certificate else "ws"
        routing = exchange.routing_id.hex()
        typer.echo(f"Tunnel service on {scheme}://{host}:{found}, routing {routing}  (Ctrl+C stops it)")

    server = TunnelServer(exchange, trusts_proxy=behind_proxy)
    try:
        asyncio.run(run(server, exchange, host=host, port=port, tls=_tls(certificate, key), on_ready=ready))
    except OSError as error:
        _fail(f"Cannot listen on {host}:{port}: {error.strerror}.")


def _routing_id(text: str) -> bytes | None:
    if not text:
        return None
    try:
        routing_id = bytes.fromhex(text)
    except ValueError:
        routing_id = b""
    if len(routing_id) != 3:
        _fail("A routing identifier is six hexadecimal digits, such as 0a1b2c.")
    return routing_id


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        _fail(f"{certificate} does not hold a certificate and its key: {error}.")
    return context


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(1)
