"""`/me/authentication/softwareOathMethods`: authenticator apps. Graph only lists and removes them; adding is ours."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ostiary.identity.assurance import MethodKind
from ostiary.web.graph.call import CodeRemover, Reader
from ostiary.web.graph.resources import list_methods, remove_method, show_method

COLLECTION = "softwareOathMethods"
router = APIRouter(prefix=f"/me/authentication/{COLLECTION}", include_in_schema=False)


@router.get("")
async def list_apps(call: Reader) -> dict[str, Any]:
    return await list_methods(call, COLLECTION, MethodKind.CODE)


@router.get("/{method_id}")
async def show_app(call: Reader, method_id: str) -> dict[str, Any]:
    return await show_method(call, COLLECTION, method_id, MethodKind.CODE)


@router.delete("/{method_id}", status_code=204)
async def remove_app(
    call: CodeRemover, method_id: str, is_understood: Annotated[bool, Query(alias="isUnderstood")] = False
) -> Response:
    await remove_method(call, method_id, MethodKind.CODE, is_understood=is_understood)
    return Response(status_code=204)
