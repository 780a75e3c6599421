"""`/me/authentication/fido2Methods`: passkeys. The ceremony is the one of Security info, bound to the token's grant."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ostiary.clock import as_datetime
from ostiary.identity import challenges, passkey_registration
from ostiary.identity.assurance import MethodKind
from ostiary.identity.reasons import Refusal
from ostiary.passkeys import CeremonyError, RegistrationResponse, parse_registration_response
from ostiary.web.graph.call import PasskeyAdder, PasskeyRemover, Reader
from ostiary.web.graph.resources import context, list_methods, remove_method, show_method
from ostiary.web.graph.shapes import instant
from ostiary.web.passkeys import naming

COLLECTION = "fido2Methods"
PATH = f"/me/authentication/{COLLECTION}"
router = APIRouter(prefix=PATH, include_in_schema=False)


class AttestationResponse(BaseModel):
    """`AuthenticatorAttestationResponseJSON`, as far as Graph has it; `transports` are ours to take if they come."""

    model_config = ConfigDict(strict=True, extra="ignore")

    client_data_json: str = Field(alias="clientDataJSON")
    attestation_object: str = Field(alias="attestationObject")
    transports: list[str] = Field(default_factory=list)


class PublicKeyCredential(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    id: str
    response: AttestationResponse
    client_extension_results: dict[str, Any] = Field(default_factory=dict, alias="clientExtensionResults")

    def parsed(self) -> RegistrationResponse:
        """Raises `Refusal`."""
        try:
            return parse_registration_response(
                {
                    "id": self.id,
                    "rawId": self.id,
                    "type": "public-key",
                    "response": {
                        "clientDataJSON": self.response.client_data_json,
                        "attestationObject": self.response.attestation_object,
                        "transports": self.response.transports,
                    },
                    "clientExtensionResults": self.client_extension_results,
                }
            )
        except CeremonyError as error:
            raise Refusal.of_ceremony(error) from error


class NewPasskey(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    display_name: str | None = Field(default=None, alias="displayName")
    public_key_credential: PublicKeyCredential = Field(alias="publicKeyCredential")


@router.get("")
async def list_passkeys(call: Reader) -> dict[str, Any]:
    return await list_methods(call, COLLECTION, MethodKind.PASSKEY)


@router.get("/creationOptions")
@router.get("/creationOptions()")
@router.get("/creationOptions({_arguments})")
async def creation_options(
    call: PasskeyAdder,
    _timeout: Annotated[int | None, Query(alias="challengeTimeoutInMinutes", ge=5, le=43_200)] = None,
) -> dict[str, Any]:
    """A challenge lives five minutes, however long is asked for: `challengeTimeoutDateTime` says until when."""
    options = await call.write(passkey_registration.begin, call.session(), call.site.relying_party, None, now=call.now)
    return {
        **context(call, "microsoft.graph.webauthnCredentialCreationOptions"),
        "challengeTimeoutDateTime": instant(call.now + challenges.LIFETIME),
        "publicKey": options,
    }


@router.post("", status_code=201)
async def register(call: PasskeyAdder, body: NewPasskey) -> dict[str, Any]:
    """Answered once it is on the disk."""
    response = body.public_key_credential.parsed()
    signed_in, relying_party, trust = call.session(), call.site.relying_party, call.site.trust
    challenge = await call.write(passkey_registration.consume, signed_in, response, now=call.now)
    store = await call.read(trust.store)
    facts = passkey_registration.verify(
        response, challenge, relying_party, store, person_id=signed_in.person.id, now=call.now
    )
    method = await call.write(
        passkey_registration.finish,
        signed_in,
        facts,
        relying_party,
        naming(call),
        body.display_name,
        is_compromised=trust.is_compromised(facts.aaguid, as_datetime(call.now)),
        caller=call.caller,
        now=call.now,
    )
    call.site.metrics.registrations.inc()
    return await show_method(call, COLLECTION, method.id, MethodKind.PASSKEY)


@router.get("/{method_id}")
async def show_passkey(call: Reader, method_id: str) -> dict[str, Any]:
    return await show_method(call, COLLECTION, method_id, MethodKind.PASSKEY)


@router.delete("/{method_id}", status_code=204)
async def remove_passkey(
    call: PasskeyRemover, method_id: str, is_understood: Annotated[bool, Query(alias="isUnderstood")] = False
) -> Response:
    await remove_method(call, method_id, MethodKind.PASSKEY, is_understood=is_understood)
    return Response(status_code=204)
