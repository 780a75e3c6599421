"""Runs the application: uvicorn with the fast parts, and nothing it does not need."""

import gc
import socket
from typing import Final

import structlog
import uvicorn

from ostiary.hybrid.tunnel.limits import Limits
from ostiary.settings import Settings
from ostiary.storage.database import Database
from ostiary.web.application import build_application, build_site
from ostiary.web.metadata_refresh import source_of
from ostiary.web.site import Site

_PING_EVERY: Final = 20.0
_LARGEST_MESSAGE: Final = Limits().message_bytes
"""Of a WebSocket: what a tunnel passes on. Other routes take less."""


def serve(settings: Settings, database: Database, *, host: str, port: int) -> None:
    """Serves until told to stop."""
    # structlog's own choice draws every local variable beside a traceback: passwords and secrets among them
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(bool_as_flag=False),
        ]
    )
    site = build_site(settings, database)
    application = build_application(site, source_of(settings))
    gc.collect()
    gc.freeze()  # what is built once is not looked through again
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        ws_ping_interval=_PING_EVERY,
        ws_ping_timeout=_PING_EVERY,
        ws_per_message_deflate=False,  # what a connection keeps stays small
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=5,
    )
    _Server(config, site).run()


class _Server(uvicorn.Server):
    """Ends the answers that wait for something, so that stopping need not wait for them."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.announcer.close()
        await super().shutdown(sockets)
