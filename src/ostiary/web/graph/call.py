"""One request to the API, as its resources see it: a visit that shows a bearer token instead of a cookie."""

from collections.abc import Awaitable, Callable, Collection
from typing import Annotated

from fastapi import Depends, Request

from ostiary.identity import sessions
from ostiary.identity.audit import Event
from ostiary.identity.caller import Caller
from ostiary.identity.reasons import Reason, Refusal
from ostiary.oidc import access
from ostiary.oidc.grants import Granted, caller_of
from ostiary.oidc.scopes import READ_METHODS, READ_PROFILE, WRITE_METHODS, Scope
from ostiary.web.oidc.issuer import issuer_of
from ostiary.web.visit import Visit

SCOPE_KEY = "ostiary.call"
"""Where the front leaves the call for whoever answers it."""


class Call(Visit):
    granted: Granted | None = None
    event: Event = Event.APP_CONNECT
    """As what a refusal is recorded."""
    needed: Collection[Scope] = ()

    @property
    def wants_page(self) -> bool:
        return False

    @property
    def caller(self) -> Caller:
        """The application that calls, at the address it calls from."""
        if self.granted is None:
            return super().caller
        return caller_of(self.granted, super().caller.address)

    @property
    def version(self) -> str:
        """`v1.0` or `beta`."""
        return str(self.scope.get("root_path", "")).strip("/")

    def url(self, path: str) -> str:
        return f"{issuer_of(self.site).url}/{self.version}/{path}"

    async def admit(self, scopes: Collection[Scope], event: Event) -> None:
        """Raises `Refusal`: no token, one that is not valid, or one without any of the scopes."""
        self.event, self.needed = event, scopes
        scheme, _, token = self.header(b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(Reason.TOKEN_MISSING)
        granted = await self.read(access.admit, token.strip(), issuer=issuer_of(self.site).url, now=self.now)
        self.granted, self.signed_in = granted, granted.signed_in
        if granted.scopes.isdisjoint(scopes):
            raise Refusal(Reason.SCOPE_MISSING, detail=" ".join(sorted(scopes)))
        session = granted.signed_in.session
        if sessions.needs_touch(session, self.now):
            await self.write(sessions.touch_session, session.id, now=self.now)


def call_of(request: Request) -> Call:
    call: Call = request.scope[SCOPE_KEY]
    return call


def admitted(scopes: Collection[Scope], event: Event = Event.APP_CONNECT) -> Callable[[Request], Awaitable[Call]]:
    """A dependency: the call, once its token was found to be right for this."""

    async def admit(request: Request) -> Call:
        call = call_of(request)
        await call.admit(scopes, event)
        return call

    return admit


ProfileReader = Annotated[Call, Depends(admitted(READ_PROFILE))]
Reader = Annotated[Call, Depends(admitted(READ_METHODS))]
PasskeyAdder = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.PASSKEY_ADD))]
PasskeyRemover = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.PASSKEY_REMOVE))]
AuthenticatorAdder = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.AUTHENTICATOR_ADD))]
AuthenticatorRemover = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.AUTHENTICATOR_REMOVE))]
AttestationEnroller = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.ATTESTATION_ISSUE))]
CodeAdder = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.CODE_ADD))]
CodeRemover = Annotated[Call, Depends(admitted(WRITE_METHODS, Event.CODE_REMOVE))]
