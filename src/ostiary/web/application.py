"""The one place where the server is built, and the table of its routes: what is not in it is refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import structlog
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from ostiary.clock import MINUTE, SECOND, Clock, system_clock
from ostiary.hybrid.tunnel.asgi import TunnelApplication
from ostiary.hybrid.tunnel.exchange import Exchange
from ostiary.identity import provider_names
from ostiary.identity.audit import Event
from ostiary.identity.methods import Methods
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sealing import Sealer, key_from_file
from ostiary.identity.trust import Trust
from ostiary.settings import Settings
from ostiary.storage import housekeeping, organizations
from ostiary.storage.announcements import Announcer, Listening
from ostiary.storage.database import Database
from ostiary.web import (
    adding,
    approvals,
    assets,
    authenticator_connection,
    browser_extension,
    help,
    language,
    not_me,
    operations,
    passkey_sign_in,
    passkeys,
    security_info,
    sign_in,
    sign_out,
    why,
)
from ostiary.web.admin.routes import ADMIN_ROUTES
from ostiary.web.answers import redirect
from ostiary.web.authenticator_connection import AuthenticatorConnections
from ostiary.web.endpoint import Access, Endpoint, Face, Handler, page_unknown
from ostiary.web.extension_package import ExtensionPackage
from ostiary.web.graph.application import VERSIONS, build_graph
from ostiary.web.guard import Guard
from ostiary.web.letters import Writer
from ostiary.web.mail_server import MailServer
from ostiary.web.mailing import Sender
from ostiary.web.metadata_refresh import MetadataKeeper, MetadataSource
from ostiary.web.metrics import Metrics
from ostiary.web.oidc.routes import OIDC_ROUTES
from ostiary.web.rendering import Renderer
from ostiary.web.site import Site
from ostiary.web.translations import Translations
from ostiary.web.visit import Visit

_HOUSEKEEPING_EVERY = 5 * MINUTE
_LAST_MAIL_WITHIN = 5.0
log = structlog.get_logger()


def build_site(settings: Settings, database: Database, *, clock: Clock = system_clock) -> Site:
    with database.transaction() as tx:
        organization = organizations.the_organization(tx)
    relying_party = RelyingParty(
        id=settings.relying_party_id,
        name=organization.name if organization else "Ostiary",
        origins=settings.origins,
    )
    sealer = Sealer(key_from_file(settings.data / "sealing.key"))
    translations = Translations.load()
    renderer = Renderer(translations)
    return Site(
        database=database,
        announcer=Announcer(),
        methods=Methods(relying_party=relying_party, sealer=sealer),
        relying_party=relying_party,
        sealer=sealer,
        renderer=renderer,
        translations=translations,
        metrics=Metrics(),
        clock=clock,
        hashing=ThreadPoolExecutor(2, "hashing"),
        trust=Trust(),
        writer=Writer(
            translations=translations,
            renderer=renderer,
            public_url=settings.public_url,
            default_language=settings.mail_language,
        ),
        extension=ExtensionPackage(settings.data, sealer, update_url=browser_extension.update_url(settings.public_url)),
        tunnels=Exchange() if settings.tunnel_domain else None,
        tunnel_domain=settings.tunnel_domain,
        mail_server=MailServer.of(settings),
    )


def build_application(site: Site, metadata: MetadataSource | None = None) -> ASGIApp:
    """`metadata` is where FIDO's metadata comes from; None in tests that need none."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_keep_house(site))]
        if metadata is not None:
            keeper = MetadataKeeper(site.database, site.trust, metadata, site.clock)
            tasks.append(asyncio.create_task(keeper.run()))
        listening = Listening(site.database, site.announcer) if site.database.dialect == "postgresql" else None
        if listening is not None:
            listening.start()
        async with _sending_mail(site):
            yield
        site.announcer.close()
        if site.tunnels is not None:
            await site.tunnels.close()
        if listening is not None:
            await asyncio.to_thread(listening.stop)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        site.hashing.shutdown()

    site.database.deliver = site.announcer.deliver
    fixed = {path: Endpoint(site, faces) for path, faces in ROUTES.items() if "{" not in path}
    routes: list[BaseRoute] = [
        Route(path, Endpoint(site, faces)) for path, faces in ROUTES.items() if path not in fixed
    ]
    unknown = Endpoint(site, {verb: Face(page_unknown, Access.ANYONE) for verb in _VERBS})
    routes.append(WebSocketRoute(authenticator_connection.PATH, AuthenticatorConnections(site)))
    if site.tunnels is not None:
        routes.append(WebSocketRoute("/cable/{path:path}", TunnelApplication(site.tunnels)))
    routes.append(WebSocketRoute("/{path:path}", _refuse_websocket))
    graph = build_graph(site)
    routes.extend(Mount(version, graph) for version in VERSIONS)
    app = Starlette(routes=[*routes, Mount("/static", assets.Assets(unknown)), Mount("/", unknown)], lifespan=lifespan)
    app.router.redirect_slashes = False
    return Guard(_FixedPaths(fixed, app), origins=site.relying_party.origins)


async def _refuse_websocket(websocket: WebSocket) -> None:
    await websocket.close()  # before it is accepted: 403


class _FixedPaths:
    """A path without variable parts is found in one step; the others Starlette matches one by one."""

    def __init__(self, endpoints: Mapping[str, ASGIApp], others: ASGIApp) -> None:
        self._endpoints = endpoints
        self._others = others

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._others(scope, receive, send)
        return self._endpoints.get(scope["path"], self._others)(scope, receive, send)


async def _keep_house(site: Site) -> None:
    """Takes out what has expired. Nothing depends on it: whatever is read is judged by its own time."""
    while True:
        try:
            await site.database.read(provider_names.use_imported)
            await site.database.write(housekeeping.delete_expired, site.clock())
        except Exception:
            log.exception("housekeeping failed")
        await asyncio.sleep(_HOUSEKEEPING_EVERY / SECOND)


@asynccontextmanager
async def _sending_mail(site: Site) -> AsyncIterator[None]:
    """Nothing depends on it either: what cannot be sent waits."""
    if site.mail_server is None:
        yield
        return
    sender = Sender(site.database, site.mail_server, site.writer, site.metrics, site.clock)
    task = asyncio.create_task(sender.run())
    yield
    sender.stop()
    _, unfinished = await asyncio.wait([task], timeout=_LAST_MAIL_WITHIN)
    if unfinished:  # the mail under way comes due again when its claim is over
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    sender.close()


async def _home(visit: Visit) -> Response:
    return redirect(visit, "/security-info")


def _open(handle: Handler, event: Event = Event.SIGN_IN) -> Face:
    return Face(handle, Access.ANYONE, event)


_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")

ROUTES: Mapping[str, Mapping[str, Face]] = {
    "/sign-in/passkey/options": {"POST": _open(passkey_sign_in.options)},
    "/sign-in/passkey": {"POST": _open(passkey_sign_in.finish)},
    "/sign-in": {"GET": _open(sign_in.show), "POST": _open(sign_in.identify)},
    "/sign-in/options": {"GET": _open(sign_in.options)},
    "/sign-in/method": {"POST": _open(sign_in.choose)},
    "/sign-in/restart": {"POST": _open(sign_in.restart)},
    "/sign-in/password": {"POST": _open(sign_in.prove_password)},
    "/sign-in/code": {"POST": _open(sign_in.prove_code)},
    "/sign-in/temporary-access-pass": {"POST": _open(sign_in.prove_pass)},
    "/sign-in/approval": {"POST": _open(sign_in.ask_authenticator)},
    "/sign-in/approval/continue": {"POST": _open(sign_in.prove_approval)},
    "/sign-in/approval/events": {"GET": _open(approvals.events)},
    "/sign-in/new-password": {"POST": _open(sign_in.replace_password, Event.PASSWORD_CHANGE)},
    "/sign-out": {
        "GET": _open(sign_out.show, Event.SESSION_END),
        "POST": _open(sign_out.sign_out, Event.SESSION_END),
    },
    "/security-info": {"GET": Face(security_info.show)},
    "/mysecurityinfo": {"GET": _open(_home)},
    "/security-info/passkeys/options": {"POST": Face(passkeys.options, event=Event.PASSKEY_ADD)},
    "/security-info/passkeys": {"POST": Face(passkeys.register, event=Event.PASSKEY_ADD)},
    "/security-info/add": {"GET": Face(adding.show)},
    "/security-info/why": {"GET": Face(why.show)},
    "/security-info/add/passkey": {"GET": Face(adding.show_passkey, event=Event.PASSKEY_ADD)},
    "/security-info/add/authenticator": {"GET": Face(adding.show_authenticator, event=Event.AUTHENTICATOR_ADD)},
    "/security-info/add/authenticator/events": {"GET": Face(approvals.registration_events)},
    "/security-info/add/code": {
        "GET": Face(adding.show_code, event=Event.CODE_ADD),
        "POST": Face(adding.add_code, event=Event.CODE_ADD),
    },
    "/security-info/methods/{method_id}": {
        "PATCH": Face(security_info.patch_method, event=Event.PASSKEY_RENAME),
        "DELETE": Face(security_info.delete_method, event=Event.PASSKEY_REMOVE),
    },
    "/security-info/methods/{method_id}/added": {
        "GET": Face(adding.show_added),
        "POST": Face(adding.name_added, event=Event.PASSKEY_RENAME),
    },
    "/security-info/methods/{method_id}/rename": {
        "GET": Face(security_info.show_rename),
        "POST": Face(security_info.rename, event=Event.PASSKEY_RENAME),
    },
    "/security-info/methods/{method_id}/delete": {
        "GET": Face(security_info.show_delete),
        "POST": Face(security_info.delete, event=Event.PASSKEY_REMOVE),
    },
    "/security-info/password": {
        "GET": Face(security_info.show_password),
        "POST": Face(security_info.change_password, event=Event.PASSWORD_CHANGE),
    },
    "/security-info/default-second-factor": {
        "POST": Face(security_info.choose_second_factor, event=Event.SECOND_FACTOR_CHOOSE)
    },
    "/security-info/sessions/{session_id}/end": {"POST": Face(security_info.end_session, event=Event.SESSION_END)},
    "/security-info/sign-out-everywhere": {"POST": Face(security_info.sign_out_everywhere, event=Event.SESSIONS_END)},
    **ADMIN_ROUTES,
    **OIDC_ROUTES,
    "/ceremonies/reports": {"POST": _open(help.report, Event.CEREMONY_REPORT)},
    "/not-me/{token}": {"GET": _open(not_me.show, Event.DISAVOW), "POST": _open(not_me.disavow, Event.DISAVOW)},
    "/help/{code}": {"GET": _open(help.show)},
    "/authenticator/extension": {"GET": _open(browser_extension.show)},
    browser_extension.UPDATES_PATH: {"GET": _open(browser_extension.updates)},
    browser_extension.PACKAGE_PATH: {"GET": _open(browser_extension.package)},
    browser_extension.POLICY_PATH: {"GET": _open(browser_extension.policy)},
    "/language": {"POST": _open(language.choose)},
    "/branding/{key}.css": {"GET": _open(assets.branding_stylesheet)},
    "/branding/{key}/logo": {"GET": _open(assets.logo)},
    "/healthz": {"GET": _open(operations.health)},
    "/readyz": {"GET": _open(operations.readiness)},
    "/metrics": {"GET": _open(operations.metrics)},
    "/": {"GET": _open(_home)},
}
