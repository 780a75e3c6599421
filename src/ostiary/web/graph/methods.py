"""`/me/authentication/methods`: every sign-in method, whatever its kind."""

from typing import Any

from fastapi import APIRouter

from ostiary.identity import security_info
from ostiary.identity.assurance import MethodKind
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.web.graph.call import Reader
from ostiary.web.graph.resources import context, list_methods, of_me
from ostiary.web.graph.shapes import PASSWORD_ID, method_of

router = APIRouter(prefix="/me/authentication", include_in_schema=False)


@router.get("/methods")
async def list_all(call: Reader) -> dict[str, Any]:
    return await list_methods(call, "methods")


@router.get("/methods/{method_id}")
async def show(call: Reader, method_id: str) -> dict[str, Any]:
    if method_id == PASSWORD_ID:
        method_id = await call.read(_password_of, call.session().person.id)
    entry = await call.read(security_info.find, call.session(), method_id, now=call.now)
    return {**context(call, f"{of_me(call, 'methods')}/$entity"), **method_of(entry)}


@router.get("/passwordMethods")
async def list_passwords(call: Reader) -> dict[str, Any]:
    return await list_methods(call, "passwordMethods", MethodKind.PASSWORD)


def _password_of(tx: Transaction, person_id: str) -> str:
    verifier = methods.password_of(tx, person_id)
    if verifier is None:
        raise Refusal(Reason.METHOD_UNKNOWN, person_id=person_id)
    return verifier.method_id
