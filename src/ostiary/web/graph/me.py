"""`/me`: who the token speaks for."""

from typing import Any

from fastapi import APIRouter

from ostiary.web.graph.call import ProfileReader
from ostiary.web.graph.resources import context

router = APIRouter(include_in_schema=False)


@router.get("/me")
async def me(call: ProfileReader) -> dict[str, Any]:
    person = call.session().person
    return {
        **context(call, "users/$entity"),
        "businessPhones": [],
        "displayName": person.display_name,
        "givenName": None,
        "jobTitle": None,
        "mail": person.username,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": person.language,
        "surname": None,
        "userPrincipalName": person.username,
        "id": person.id,
    }
