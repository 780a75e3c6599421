"""`/me/authentication/microsoftAuthenticatorMethods`: Authenticators that approve sign-ins. Ours answer under
Graph's name, for it is the same thing; registering one is ours (`authenticators`)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ostiary.identity.assurance import MethodKind
from ostiary.web.graph.call import AuthenticatorRemover, Reader
from ostiary.web.graph.resources import list_methods, remove_method, show_method

COLLECTION = "microsoftAuthenticatorMethods"
router = APIRouter(prefix=f"/me/authentication/{COLLECTION}", include_in_schema=False)


@router.get("")
async def list_authenticators(call: Reader) -> dict[str, Any]:
    return await list_methods(call, COLLECTION, MethodKind.AUTHENTICATOR)


@router.get("/{method_id}")
async def show_authenticator(call: Reader, method_id: str) -> dict[str, Any]:
    return await show_method(call, COLLECTION, method_id, MethodKind.AUTHENTICATOR)


@router.delete("/{method_id}", status_code=204)
async def remove_authenticator(
    call: AuthenticatorRemover, method_id: str, is_understood: Annotated[bool, Query(alias="isUnderstood")] = False
) -> Response:
    await remove_method(call, method_id, MethodKind.AUTHENTICATOR, is_understood=is_understood)
    return Response(status_code=204)
