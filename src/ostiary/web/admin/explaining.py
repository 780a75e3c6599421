"""`/admin/people/{person_id}/explain`: why a person can, or cannot, add a passkey and sign in with it."""

from starlette.responses import Response

from ostiary.clock import as_datetime
from ostiary.identity import directory
from ostiary.identity.permissions import Permission
from ostiary.identity.policy.explain import explain
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import ExplainPage
from ostiary.web.answers import answer_page
from ostiary.web.explaining import passkey_rows, rule_rows
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    person = await visit.read(
        directory.person_to_change, visit.parameters["person_id"], Permission.PEOPLE_EXPLAIN, actor=actor(visit)
    )
    explanation = await visit.read(explain, person, visit.now)
    page = ExplainPage(
        frame=await make_frame(visit, "people"),
        id=person.id,
        name=person.display_name,
        username=person.username,
        can_add=explanation.can_add,
        can_sign_in=explanation.can_sign_in,
        accepted=explanation.accepted,
        rules=rule_rows(explanation, visit.say),
        passkeys=passkey_rows(explanation, visit.say, lambda at: f"{as_datetime(at):%Y-%m-%d}"),
        policy_version=explanation.policy_version,
    )
    return await answer_page(visit, page)
