"""`/ostiary/me/attestation`: an Authenticator gets the certificate it vouches for its passkeys with."""

from base64 import b64encode
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ostiary.identity import attestation, sessions
from ostiary.web.graph.call import AttestationEnroller

router = APIRouter(prefix="/ostiary/me/attestation", tags=["attestation"])


class CertificateRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    request: str = Field(description="PKCS #10, in PEM.")
    model: str = Field(description="Its AAGUID.")
    code: str = Field(max_length=64, description="The enrolment code an administrator gave.")


@router.post("", summary="Certifies the key an Authenticator attests with")
async def enrol(call: AttestationEnroller, body: CertificateRequest) -> dict[str, Any]:
    """The same request and code again get the same certificate."""
    signed_in, site = call.session(), call.site
    await call.read(sessions.require, signed_in, signed_in.to_change, now=call.now)
    attempt = await call.write(attestation.count_attempt, signed_in.person, caller=call.caller, now=call.now)
    enrolment = await call.write(
        attestation.enrol_authenticator,
        site.sealer,
        site.relying_party,
        attempt,
        request_pem=body.request,
        model=body.model,
        code=body.code,
        caller=call.caller,
        now=call.now,
    )
    return {
        "serial": enrolment.serial,
        "certificates": [b64encode(certificate).decode() for certificate in enrolment.certificates],
        "rpIds": list(enrolment.rp_ids),
    }
