"""`/ostiary/me/softwareOathMethods`: adding an authenticator app in two steps, a secret, then a code that proves it."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ostiary.identity import code_enrolment
from ostiary.identity.assurance import MethodKind
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.web.graph.call import CodeAdder
from ostiary.web.graph.resources import show_method
from ostiary.web.graph.shapes import instant

DEFAULT_NAME = "Ostiary Authenticator"
router = APIRouter(prefix="/ostiary/me/softwareOathMethods", tags=["one-time codes"])


class NewEnrolment(BaseModel):
    """Nothing is needed to begin."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Confirmation(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    code: str = Field(max_length=32, description="The six digits shown now.")


@router.post("", status_code=201, summary="A secret for one-time codes, not kept until it is confirmed")
async def begin(call: CodeAdder, _body: NewEnrolment | None = None) -> dict[str, Any]:
    signed_in = call.session()
    await call.read(code_enrolment.require_may_add, signed_in, now=call.now)
    pending = code_enrolment.begin(signed_in, call.site.sealer, issuer=call.site.relying_party.name, now=call.now)
    return {
        "enrolmentId": pending.enrolment,
        "secretKey": pending.secret,
        "otpauthUri": pending.uri,
        "expirationDateTime": instant(call.now + code_enrolment.LIFETIME),
    }


@router.post("/{enrolment_id}/confirm", status_code=201, summary="Keeps the secret, once a code from it is right")
async def confirm(call: CodeAdder, enrolment_id: str, body: Confirmation) -> dict[str, Any]:
    signed_in, site = call.session(), call.site
    pending = code_enrolment.resume(enrolment_id, signed_in, site.sealer, issuer=site.relying_party.name, now=call.now)
    await call.write(
        code_enrolment.finish,
        signed_in,
        site.methods.code,
        pending,
        body.code,
        default_name=DEFAULT_NAME,
        caller=call.caller,
        now=call.now,
    )
    newest = await call.read(_newest_app, signed_in.person.id)
    return await show_method(call, "softwareOathMethods", newest, MethodKind.CODE)


def _newest_app(tx: Transaction, person_id: str) -> str:
    return [one.id for one in methods.methods_of(tx, person_id) if one.kind == MethodKind.CODE][-1]
