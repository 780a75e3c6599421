"""`/sign-in`: the pages of the sign-in sequence. Passkeys are `passkey_sign_in`."""

from starlette.responses import Response

from ostiary.identifiers import token_hash
from ostiary.identity import approvals as identity_approvals
from ostiary.identity import sign_in
from ostiary.identity.assurance import ADMINISTER_AFRESH, CHANGE_METHODS, MethodKind
from ostiary.identity.methods import Method
from ostiary.identity.methods.password import MINIMUM_LENGTH, hash_password, matches
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sign_in import Answer, Material, Progress, Stage, State, Verified
from ostiary.web import approvals, cookies
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.pages import ApprovalView, IdentifyPage, NewPasswordPage, Page, Problem, ProvePage, SignInOptionsPage
from ostiary.web.visit import Visit, local_path
from ostiary.web.wording import WORDING

WITH_PASS = "/sign-in?with=pass"


async def show(visit: Visit) -> Response:
    """`GET /sign-in`: the stage this browser's sign-in stands at. `?with=pass` is handed out with a pass: whoever
    opens it is asked for that first, whatever username they type."""
    query = visit.query
    visit.ensure_sign_in_token()
    signed_in = await visit.find_session()
    next_path = local_path(query.get("next"))
    if signed_in is not None and "step_up" not in query:
        state = await _state(visit)
        if "next" in query or state.attempt is None or state.attempt.session_id != signed_in.session.id:
            return redirect(visit, next_path)
    elif signed_in is not None:
        state = await visit.write(
            sign_in.begin_step_up,
            visit.sign_in_token,
            signed_in,
            ADMINISTER_AFRESH if query["step_up"] == "passkey" else CHANGE_METHODS,
            next_path=next_path,
            caller=visit.caller,
            now=visit.now,
        )
    elif "next" in query or "with" in query:
        method = MethodKind.PASS if query.get("with") == "pass" else None
        await visit.write(sign_in.remember_next, visit.sign_in_token, next_path=next_path, method=method, now=visit.now)
        state = State(Stage.IDENTIFY)
    else:
        state = await _state(visit)
    if state.stage is Stage.DONE:
        return redirect(visit, next_path)
    waiting = await approvals.find_waiting(visit, state)
    if approvals.is_to_be_sent(state, waiting) and not visit.is_led_here_by_another_site:
        refusal = await approvals.send_request(visit, state)
        return await _answer(visit, await _state(visit), refusal)
    return await _answer(visit, state, signed_out=query.get("done") == "signed_out")


async def identify(visit: Visit) -> Response:
    """`POST /sign-in`: a username."""
    form = await visit.form()
    username = form.get("username", "")
    previous = (await _state(visit)).attempt
    try:
        await visit.write(
            sign_in.identify,
            visit.sign_in_token,
            username,
            next_path=previous.next_path if previous else "/security-info",
            method=previous.method if previous and previous.username is None else None,
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        return await _answer(visit, State(Stage.IDENTIFY), refusal, username=username[:254])
    return redirect(visit, "/sign-in")


async def options(visit: Visit) -> Response:
    """`GET /sign-in/options`: *Face, fingerprint, PIN or security key*."""
    visit.ensure_sign_in_token()
    return await answer_page(visit, SignInOptionsPage())


async def choose(visit: Visit) -> Response:
    """`POST /sign-in/method`: *Use another way*. To choose the Authenticator is to ask it."""
    form = await visit.form()
    kind = form.get("method", "")
    try:
        state = await visit.write(sign_in.choose_method, visit.sign_in_token, kind, caller=visit.caller, now=visit.now)
    except Refusal as refusal:
        return await _answer(visit, await _state(visit), refusal)
    if kind == MethodKind.AUTHENTICATOR:
        return await _ask_authenticator(visit, state)
    return redirect(visit, "/sign-in")


async def ask_authenticator(visit: Visit) -> Response:
    """`POST /sign-in/approval`: sends a request, in the place of the one before."""
    return await _ask_authenticator(visit, await _state(visit))


async def _ask_authenticator(visit: Visit, state: State) -> Response:
    refusal = await approvals.send_request(visit, state)
    if refusal is None:
        return redirect(visit, "/sign-in")
    return await _answer(visit, _asking_for(MethodKind.AUTHENTICATOR, await _state(visit)), refusal)


async def prove_approval(visit: Visit) -> Response:
    """`POST /sign-in/approval/continue`: the page goes on with what the Authenticator answered, or says what it was."""
    state = await _state(visit)
    await visit.find_session()
    if state.stage is Stage.IDENTIFY:  # a report ends the sign-in as well
        problem = approvals.problem_of(visit, await approvals.find_reported(visit))
        if problem is None:
            return await _answer(visit, state, Refusal(Reason.SIGN_IN_EXPIRED))
        return await answer_page(visit, IdentifyPage(problem=problem), WORDING[problem.code].status)
    method = visit.site.methods.authenticator
    try:
        sign_in.require_offered(state, method.kind)
        subject = sign_in.subject_of(state, caller=visit.caller, binding=token_hash(visit.sign_in_token), now=visit.now)
        progress = await visit.write(identity_approvals.conclude, method, subject, visit.sign_in_token, visit.signed_in)
    except Refusal as refusal:
        return await _answer(visit, _asking_for(method.kind, await _state(visit)), refusal)
    return redirect(visit, take(visit, progress))


async def restart(visit: Visit) -> Response:
    """`POST /sign-in/restart`: *Not you?*"""
    await visit.write(sign_in.restart, visit.sign_in_token, now=visit.now)
    return redirect(visit, "/sign-in")


async def prove_password(visit: Visit) -> Response:
    form = await visit.form()
    return await _prove(visit, visit.site.methods.password, form.get("password", ""))


async def prove_code(visit: Visit) -> Response:
    form = await visit.form()
    return await _prove(visit, visit.site.methods.code, form.get("code", ""))


async def prove_pass(visit: Visit) -> Response:
    form = await visit.form()
    return await _prove(visit, visit.site.methods.temporary_access_pass, form.get("pass", ""))


async def replace_password(visit: Visit) -> Response:
    """`POST /sign-in/new-password`: a password of one's own for one that an administrator set."""
    form = await visit.form()
    new, repeat = form.get("new", ""), form.get("repeat", "")
    await visit.find_session()
    try:
        present = await visit.read(
            sign_in.check_replacement, visit.sign_in_token, new, repeat, caller=visit.caller, now=visit.now
        )
        if await visit.hashing(matches, present, new):
            raise Refusal(Reason.PASSWORD_UNCHANGED, field="new")
        progress = await visit.write(
            sign_in.replace_password,
            visit.sign_in_token,
            hash=await visit.hashing(hash_password, new),
            signed_in=visit.signed_in,
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        return await _answer(visit, await _state(visit), refusal)
    return redirect(visit, take(visit, progress))


async def _prove(visit: Visit, method: Method[Answer, Material, Verified], answer: Answer) -> Response:
    """One proof by a form. What is wrong is shown on the same page, under the field it concerns."""
    state = await _state(visit)
    await visit.find_session()
    try:
        sign_in.require_offered(state, method.kind)
        binding = token_hash(visit.sign_in_token)
        subject = sign_in.subject_of(state, caller=visit.caller, binding=binding, now=visit.now)
        material = await visit.write(method.load, subject, answer)
        verified = await visit.hashing(method.verify, material, answer)
        progress = await visit.write(sign_in.conclude, method, subject, verified, visit.sign_in_token, visit.signed_in)
    except Refusal as refusal:
        return await _answer(visit, _asking_for(method.kind, await _state(visit)), refusal)
    return redirect(visit, take(visit, progress))


def _asking_for(kind: MethodKind, state: State) -> State:
    """The page that was sent, whichever would come first on a new one: there the refusal belongs."""
    if kind not in state.kinds:
        return state
    return state._replace(kinds=(kind, *(other for other in state.kinds if other is not kind)))


def take(visit: Visit, progress: Progress) -> str:
    """Gives the browser what a proof led to, and says where it goes next."""
    if progress.opened is None:
        return "/sign-in"
    visit.site.metrics.sign_ins.labels(progress.state.proofs[-1].kind).inc()
    visit.set_cookies.append(cookies.set_cookie(cookies.SESSION, progress.opened.token))
    if visit.cookie(cookies.SIGN_IN):
        visit.set_cookies.append(cookies.delete_cookie(cookies.SIGN_IN))
    if progress.browser_token is not None:
        visit.set_cookies.append(cookies.set_cookie(cookies.BROWSER, progress.browser_token))
    return progress.next_path


async def _state(visit: Visit) -> State:
    token = visit.cookie(cookies.SIGN_IN)
    return await visit.read(sign_in.find_attempt, token, caller=visit.caller, now=visit.now)


async def _answer(
    visit: Visit, state: State, refusal: Refusal | None = None, *, username: str = "", signed_out: bool = False
) -> Response:
    problem, status = None, 200
    if refusal is None and state.is_stuck:
        refusal = Refusal(Reason.NO_METHOD_LEFT, person_id=state.person.id if state.proofs and state.person else None)
        if state.is_step_up:
            raise refusal
    waiting = await approvals.find_waiting(visit, state) if state.kinds[:1] == (MethodKind.AUTHENTICATOR,) else None
    if refusal is not None:
        told = await tell(visit, refusal)
        problem, status = told.problem, told.status
    approval = approvals.view_of(waiting, now=visit.now)
    if approval is None:
        problem = approvals.problem_of(visit, waiting) or problem
    page = _page(state, problem, approval, username=username, signed_out=signed_out)
    return await answer_page(visit, page, status, username=state.attempt.username if state.attempt else None)


def _page(
    state: State, problem: Problem | None, approval: ApprovalView | None, *, username: str, signed_out: bool
) -> Page:
    known = state.attempt.username if state.attempt else None
    if known is None or not (state.kinds or state.stage is Stage.NEW_PASSWORD):
        return IdentifyPage(username=username, problem=problem, signed_out=signed_out)
    if state.stage is Stage.NEW_PASSWORD:
        return NewPasswordPage(username=known, minimum_length=MINIMUM_LENGTH, problem=problem)
    kinds = state.kinds
    return ProvePage(
        username=known,
        method=kinds[0],
        others=tuple(kinds[1:]),
        again=bool(state.proofs) and not state.is_step_up,
        step_up=state.is_step_up,
        problem=problem,
        approval=approval,
    )
