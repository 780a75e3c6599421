"""`POST /language`: the reader's choice, kept in a cookie."""

from starlette.responses import Response

from ostiary.identity.reasons import Refusal
from ostiary.storage import people
from ostiary.web import cookies
from ostiary.web.answers import redirect
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit, local_path


async def choose(visit: Visit) -> Response:
    form = await visit.form()
    language = form.get("language", "")
    if language not in dict(visit.site.translations.languages):
        raise Refusal(RequestReason.REQUEST_INVALID)
    signed_in = await visit.find_session()
    if signed_in is not None and signed_in.person.language != language:
        await visit.write(people.set_language, signed_in.person.id, language)  # mail to them speaks it too
    visit.set_cookies.append(cookies.set_cookie(cookies.LANGUAGE, language))
    return redirect(visit, local_path(form.get("return_to"), default="/sign-in", may_sign_in=True))
