"""An authenticator for people who test *their* sites: the real engine, with a person who always agrees.

As a pytest fixture (`ostiary_authenticator`, found by itself when Ostiary is installed) or by hand:

    authenticator = SoftwareAuthenticator()
    answer = authenticator.register(options, origin="https://login.contoso.example")
    answer = authenticator.sign_in(options, origin="https://login.contoso.example")
    authenticator.attach(page)      # the same behind navigator.credentials of a Playwright page or context

Everything is really made and signed. What the person does is changed by name: `authenticator.person.decide`.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.authenticator import AutomaticVerifier, Credential, Engine
from ostiary.authenticator.client import ClientError, create, get
from ostiary.authenticator.hosts.in_process import InProcessDevice
from ostiary.authenticator.keys import memory_key_store

BINDING: Final = "__ostiaryAuthenticator"


class SoftwareAuthenticator:
    """One authenticator in memory. Never for anything but tests: it asks nobody."""

    def __init__(self) -> None:
        self.keys = memory_key_store()
        self.person = AutomaticVerifier()
        self.engine = Engine(keys=self.keys, verifier=self.person)
        self.device = InProcessDevice(self.engine, source="a test")
        """For code that speaks CTAP through the `fido2` library."""

    @property
    def passkeys(self) -> Sequence[Credential]:
        return self.keys.credentials()

    def forget(self) -> None:
        """Every passkey, as if its owner had deleted it."""
        for passkey in self.passkeys:
            self.keys.delete(passkey.id)

    def register(self, options: Mapping[str, Any], *, origin: str) -> dict[str, Any]:
        """`PublicKeyCredentialCreationOptionsJSON` in, `RegistrationResponseJSON` out. Raises `ClientError`."""
        return create(self.engine, options, origin=origin)

    def sign_in(self, options: Mapping[str, Any], *, origin: str) -> dict[str, Any]:
        """`PublicKeyCredentialRequestOptionsJSON` in, `AuthenticationResponseJSON` out. Raises `ClientError`."""
        return get(self.engine, options, origin=origin)

    def attach(self, target: Any) -> None:
        """Behind `navigator.credentials` of a Playwright page or browser context (synchronous API), from the next page
        it opens."""
        target.expose_binding(BINDING, self._answer)
        target.add_init_script(script())

    async def attach_async(self, target: Any) -> None:
        """The same with Playwright's asynchronous API."""
        await target.expose_binding(BINDING, self._answer)
        await target.add_init_script(script())

    def _answer(self, source: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        frame = source["frame"]
        top = frame
        is_cross_origin = False
        while top.parent_frame is not None:
            top = top.parent_frame
            is_cross_origin = is_cross_origin or origin_of(top.url) != origin_of(frame.url)
        ceremony = create if asked["kind"] == "create" else get
        try:
            answer = ceremony(
                self.engine,
                asked["options"],
                origin=origin_of(frame.url),
                cross_origin=is_cross_origin,
                top_origin=origin_of(top.url) if is_cross_origin else None,
                mediation=str(asked["mediation"]),
            )
        except ClientError as error:
            return {"error": {"name": error.name, "message": error.message}}
        return {"json": answer}


def script() -> str:
    return files("ostiary.authenticator.hosts").joinpath("page/navigator.js").read_text(encoding="utf-8")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
