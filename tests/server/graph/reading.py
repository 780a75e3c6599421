"""Reading the API's answers the way programs do."""

import re
from typing import Any

import httpx2 as httpx

from ostiary.web.wording import WORDING

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def refused(response: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    """The error of a refused call, checked to be a whole one."""
    assert response.headers["content-type"] == "application/json", response.text
    assert set(response.json()) == {"error"}
    error: dict[str, Any] = response.json()["error"]
    inner = error["innerError"]
    assert (response.status_code, inner["reason"]) == (status, reason), error
    assert error["code"]
    assert error["message"] == WORDING[reason].title
    assert inner["next"] == WORDING[reason].next
    assert _ID.fullmatch(inner["request-id"])
    assert response.headers["request-id"] == inner["request-id"]
    assert response.headers["client-request-id"] == inner["client-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inner["date"])
    assert (status == 401) == ("www-authenticate" in response.headers) or reason == "scope_missing"
    return error
