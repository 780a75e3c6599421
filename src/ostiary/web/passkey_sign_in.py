"""`/sign-in/passkey`: the two requests of a passkey sign-in. The hot path: nothing here that need not be."""

from starlette.responses import Response

from ostiary.identifiers import token_hash
from ostiary.identity import sign_in
from ostiary.identity.methods import Subject
from ostiary.identity.reasons import Refusal
from ostiary.passkeys import CeremonyError, parse_authentication_response
from ostiary.web.answers import answer_json
from ostiary.web.refusals import RequestReason
from ostiary.web.sign_in import take
from ostiary.web.visit import Visit


async def options(visit: Visit) -> Response:
    """`POST /sign-in/passkey/options`: `{}` or `{"username"}` to `PublicKeyCredentialRequestOptionsJSON`."""
    username = (await visit.json()).get("username")
    if username is not None and not isinstance(username, str):
        raise Refusal(RequestReason.REQUEST_INVALID, field="username")
    options = await visit.write(
        sign_in.begin_passkey,
        visit.site.methods.passkey,
        username,
        binding=token_hash(visit.sign_in_token),
        caller=visit.caller,
        now=visit.now,
    )
    return answer_json(visit, options)


async def finish(visit: Visit) -> Response:
    """`POST /sign-in/passkey`: `AuthenticationResponseJSON` to `{"next"}` and the session cookie."""
    try:
        answer = parse_authentication_response(await visit.json())
    except CeremonyError as error:
        raise Refusal.of_ceremony(error) from error
    token = visit.sign_in_token
    method = visit.site.methods.passkey
    subject = Subject(visit.caller, token_hash(token), visit.now)
    signed_in = await visit.find_session()
    material = await visit.write(method.load, subject, answer)
    verified = method.verify(material, answer)
    progress = await visit.write(sign_in.conclude, method, subject, verified, token, signed_in)
    return answer_json(visit, {"next": take(visit, progress)})
