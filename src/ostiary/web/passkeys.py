"""`/security-info/passkeys`: the two requests that register a passkey."""

from babel.dates import format_skeleton
from starlette.responses import Response

from ostiary.clock import as_datetime
from ostiary.identity import passkey_registration, security_info
from ostiary.identity.passkey_registration import Naming
from ostiary.identity.policy.prospects import Choice
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import CeremonyError, parse_registration_response
from ostiary.web.adding import ADD_CODE, ADD_PASSKEY
from ostiary.web.answers import answer_json
from ostiary.web.method_rows import method_json
from ostiary.web.refusals import RequestReason
from ostiary.web.translations import N_
from ostiary.web.user_agent import split_client
from ostiary.web.visit import Visit, sign_in_path


async def options(visit: Visit) -> Response:
    """`POST /security-info/passkeys/options`: `{}` or `{"provider"}` to `PublicKeyCredentialCreationOptionsJSON`."""
    provider = (await visit.json()).get("provider")
    try:
        choice = None if provider is None else Choice(provider)
    except ValueError as error:
        raise Refusal(RequestReason.REQUEST_INVALID, field="provider") from error
    try:
        options = await visit.write(
            passkey_registration.begin, visit.session(), visit.site.relying_party, choice, now=visit.now
        )
    except Refusal as refusal:
        if refusal.reason is Reason.FRESH_MFA_REQUIRED:
            back = f"{ADD_PASSKEY}?provider={choice.value}" if choice else "/security-info/add"
            refusal.next_path = sign_in_path(back, step_up="1")
        if refusal.reason is Reason.SECOND_FACTOR_REQUIRED:
            refusal.next_path = ADD_CODE
        raise
    return answer_json(visit, options)


async def register(visit: Visit) -> Response:
    """`POST /security-info/passkeys`: `RegistrationResponseJSON` (+ `"name"`) to 201 and the sign-in method, once it
    is on the disk."""
    body = await visit.json()
    name = body.get("name")
    if name is not None and not isinstance(name, str):
        raise Refusal(RequestReason.REQUEST_INVALID, field="name")
    try:
        response = parse_registration_response(body)
    except CeremonyError as error:
        raise Refusal.of_ceremony(error) from error
    signed_in, relying_party = visit.session(), visit.site.relying_party
    challenge = await visit.write(passkey_registration.consume, signed_in, response, now=visit.now)
    trust = visit.site.trust
    store = await visit.read(trust.store)
    facts = passkey_registration.verify(
        response, challenge, relying_party, store, person_id=signed_in.person.id, now=visit.now
    )
    method = await visit.write(
        passkey_registration.finish,
        signed_in,
        facts,
        relying_party,
        naming(visit),
        name,
        is_compromised=trust.is_compromised(facts.aaguid, as_datetime(visit.now)),
        caller=visit.caller,
        now=visit.now,
    )
    visit.site.metrics.registrations.inc()
    entry = await visit.read(security_info.find, signed_in, method.id, now=visit.now)
    return answer_json(visit, method_json(visit, entry), 201)


def naming(visit: Visit) -> Naming:
    browser, system = split_client(visit.caller.client)
    language = visit.site.translations.language(visit.language)
    return Naming(
        device=system or browser,
        month=format_skeleton("yMMM", as_datetime(visit.now), locale=language.dates),
        passkey=visit.say(N_("Passkey")),
        phone=visit.say(N_("Phone")),
        security_key=visit.say(N_("Security key")),
    )
