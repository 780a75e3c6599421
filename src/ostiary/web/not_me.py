"""`/not-me/{token}`: *This wasn't me*, from a notice. A GET only tells and asks, because mail scanners follow links."""

from starlette.responses import Response

from ostiary.identity import disavowal
from ostiary.identity.disavowal import Outcome
from ostiary.identity.notices import Facts
from ostiary.web import cookies
from ostiary.web.answers import answer_page
from ostiary.web.letters import happened
from ostiary.web.method_rows import client_words
from ostiary.web.pages import DisavowedPage, NotMePage
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    asked = await visit.read(disavowal.ask, visit.parameters["token"], now=visit.now)
    page = NotMePage(
        token=visit.parameters["token"],
        username=asked.person.username,
        what=_what(visit, asked.facts),
        at=asked.facts.at,
        where=client_words(visit, asked.facts.client) or None,
        address=asked.facts.address or None,
        provider=asked.facts.provider,
        undo=asked.undo.value,
    )
    return await answer_page(visit, page, username=asked.person.username)


async def disavow(visit: Visit) -> Response:
    signed_in = await visit.find_session()
    outcome: Outcome = await visit.write(
        disavowal.disavow, visit.parameters["token"], caller=visit.caller, now=visit.now
    )
    if signed_in is not None and signed_in.person.id == outcome.person.id:
        visit.signed_in = None  # this session ended with the others
        visit.set_cookies.append(cookies.delete_cookie(cookies.SESSION))
    page = DisavowedPage(
        username=outcome.person.username,
        what=_what(visit, outcome.facts),
        is_removed=outcome.removed,
        must_change_password=outcome.must_change_password,
        can_sign_in=outcome.can_sign_in,
        is_password_ended=outcome.is_password_ended,
    )
    return await answer_page(visit, page, username=outcome.person.username)


def _what(visit: Visit, facts: Facts) -> str:
    return happened(visit.site.translations, visit.language, facts)
