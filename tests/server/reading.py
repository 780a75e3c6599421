"""Reading answers the way people and programs do."""

import html
import re
from typing import Any

import httpx2 as httpx

from ostiary.web.wording import WORDING
from tests.organisation import Browser

_REFERENCE = re.compile(r"P-[2-9A-Z]{4}-[2-9A-Z]{2}")
_FORMS = {
    "pass": 'action="/sign-in/temporary-access-pass"',
    "password": 'action="/sign-in/password"',
    "code": 'action="/sign-in/code"',
    "new_password": 'action="/sign-in/new-password"',
    "passkey": "data-username=",
    "username": 'name="username"',
}


def asked_for(page: httpx.Response) -> str:
    """Which proof a sign-in page asks for now."""
    return next(name for name, mark in _FORMS.items() if mark in page.text)


def stage(browser: Browser) -> str:
    """What this browser's sign-in page asks for."""
    page = browser.get("/sign-in")
    assert page.status_code == 200, page.headers
    return asked_for(page)


def text_of(page: httpx.Response) -> str:
    """What stands on a page, as people read it."""
    without_tags = re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style)\b.*?</\1>", " ", page.text, flags=re.S))
    return " ".join(html.unescape(without_tags).split())


def says(page: httpx.Response, code: str) -> bool:
    """Whether the page tells this refusal in words."""
    return WORDING[code].title.rstrip(".") in text_of(page)


def reference_on(page: httpx.Response) -> str:
    found = _REFERENCE.search(text_of(page))
    assert found, text_of(page)
    return found[0]


def without_references(page: httpx.Response) -> str:
    return _REFERENCE.sub("P-....-..", page.text)


def problem_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of a refused request, checked to be a whole one."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem["status"] == status
    assert problem["title"] == WORDING[code].title
    assert problem["next"] == WORDING[code].next
    assert problem["type"] == f"/help/{code}"
    return problem


def recorded_problem(browser: Browser, response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """A problem whose reference a helpdesk finds, and which `/help` explains."""
    problem = problem_of(response, status, code)
    page = browser.get(f"/help/{problem['reference']}")
    assert page.status_code == 200
    assert says(page, code)
    return problem
