"""`/security-info/why`: why a passkey can or cannot be added, for the person themselves."""

from babel.dates import format_date
from starlette.responses import Response

from ostiary.clock import as_datetime
from ostiary.identity.policy.explain import explain
from ostiary.web.answers import answer_page
from ostiary.web.explaining import passkey_rows, rule_rows
from ostiary.web.pages import WhyPage
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    signed_in = visit.session()
    found = await visit.read(explain, signed_in.person, visit.now, signed_in=signed_in)
    language = visit.site.translations.language(visit.language)

    def when(instant: int) -> str:
        return format_date(as_datetime(instant), format="long", locale=language.dates)

    page = WhyPage(
        can_add=found.can_add,
        rules=rule_rows(found, visit.say),
        passkeys=passkey_rows(found, visit.say, when),
    )
    return await answer_page(visit, page)
