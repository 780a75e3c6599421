"""`/ostiary/me/authenticators`: an Authenticator registers the key it approves sign-ins with."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ostiary.identity import authenticator_registration
from ostiary.identity.assurance import MethodKind
from ostiary.identity.authenticator_registration import Authenticator
from ostiary.identity.caller import Caller
from ostiary.identity.policy import enforcing
from ostiary.identity.sessions import SignedIn, require
from ostiary.storage.database import Transaction
from ostiary.web.graph.call import AuthenticatorAdder
from ostiary.web.graph.microsoft_authenticator_methods import COLLECTION
from ostiary.web.graph.resources import show_method

router = APIRouter(prefix="/ostiary/me/authenticators", tags=["approvals"])


class NewAuthenticator(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    display_name: str = Field(alias="displayName")
    device_key: dict[str, Any] = Field(alias="deviceKey", description="A public key on P-256, as a JWK.")
    model: str = Field(description="Its AAGUID.")
    app_version: str = Field(alias="appVersion")
    platform: str = Field(examples=["Linux"])


@router.post("", status_code=201, summary="Registers the key an Authenticator approves sign-ins with")
async def register(call: AuthenticatorAdder, body: NewAuthenticator) -> dict[str, Any]:
    """Registering the same key again answers the method there is."""
    added = await call.write(_register, call.session(), body, caller=call.caller, now=call.now)
    return await show_method(call, COLLECTION, added.method.id, MethodKind.AUTHENTICATOR)


def _register(
    tx: Transaction, signed_in: SignedIn, body: NewAuthenticator, *, caller: Caller, now: int
) -> Authenticator:
    """Policy first: nobody is asked to prove who they are only to hear that it was for nothing."""
    enforcing.require_may_add(tx, signed_in.person.id, MethodKind.AUTHENTICATOR)
    require(tx, signed_in, signed_in.to_change, now=now)
    return authenticator_registration.register_authenticator(
        tx,
        signed_in.person,
        display_name=body.display_name,
        device_key=body.device_key,
        model=body.model,
        app_version=body.app_version,
        platform=body.platform,
        caller=caller,
        now=now,
    )
