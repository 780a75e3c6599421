"""Runs the application: uvicorn with the fast parts, and nothing it does not need."""

import gc

import structlog
import uvicorn

from ostiary.settings import Settings
from ostiary.storage.database import Database
from ostiary.web.application import build_application, build_site
from ostiary.web.metadata_refresh import source_of


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
    application = build_application(build_site(settings, database), source_of(settings))
    gc.collect()
    gc.freeze()  # what is built once is not looked through again
    uvicorn.run(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=5,
    )
