"""The authorization request, read strictly (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).

What is wrong with the client or its redirect URI is told to the person, on a page: the browser is sent nowhere on
the word of a stranger. Everything else is told to the application (RFC 6749 §4.1.2.1).
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from ostiary.clock import SECOND
from ostiary.identity.reasons import Reason, Refusal
from ostiary.oidc.clients import Client, find_client
from ostiary.oidc.errors import ErrorCode, OAuthError, RedirectedError
from ostiary.oidc.scopes import Scope, known_scopes

_MOST_PARAMETERS: Final = 40
_LONGEST: Final = 1024
_VISIBLE = re.compile(r"[\x20-\x7e]+")  # VSCHAR, RFC 6749 appendix A.5
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256, RFC 7636 §4.2
_SECONDS = re.compile(r"[0-9]{1,9}")
_NOT_SUPPORTED: Final[Mapping[str, ErrorCode]] = {
    "request": ErrorCode.REQUEST_NOT_SUPPORTED,
    "request_uri": ErrorCode.REQUEST_URI_NOT_SUPPORTED,
    "registration": ErrorCode.REGISTRATION_NOT_SUPPORTED,
}


class Prompt(StrEnum):
    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


_PROMPTS: Final = frozenset(Prompt)


class AuthorizationRequest(NamedTuple):
    client_id: str
    redirect_uri: str
    scopes: tuple[Scope, ...]
    state: str | None
    nonce: str | None
    code_challenge: str
    prompts: tuple[Prompt, ...]
    max_age: int | None  # seconds
    login_hint: str | None

    @property
    def client(self) -> Client:
        """Raises `Refusal(CLIENT_UNKNOWN)` for one that was taken away meanwhile."""
        return _client(self.client_id)

    def oldest_proof(self, asked_at: int) -> int | None:
        """Proofs from before this do not count for the request; None: its client's requirement alone says."""
        if Prompt.LOGIN in self.prompts:
            return asked_at
        return None if self.max_age is None else asked_at - self.max_age * SECOND

    def as_json(self) -> str:
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> "AuthorizationRequest":
        found = json.loads(text)
        found["scopes"] = tuple(Scope(name) for name in found["scopes"])
        found["prompts"] = tuple(Prompt(name) for name in found["prompts"])
        return cls(**found)


def parse_authorization_request(query: str) -> AuthorizationRequest:
    """From the query of the address. Raises `Refusal` for a page, `RedirectedError` for the application."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError as error:
        raise Refusal(Reason.CLIENT_UNKNOWN, detail="unreadable query") from error
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        if value:  # RFC 6749 §3.1: sent without a value is not sent
            sent.setdefault(name, []).append(value)
    client = _client(_only(sent, "client_id"))
    redirect_uri = _only(sent, "redirect_uri")
    if redirect_uri is None or not client.may_redirect_to(redirect_uri):
        raise Refusal(Reason.REDIRECT_URI_INVALID, detail=f"client {client.id}")
    states = sent.get("state", [])
    state = states[0] if len(states) == 1 and _is_text(states[0]) else None
    try:
        return _parse(client, redirect_uri, state, sent)
    except OAuthError as error:
        raise RedirectedError(error, redirect_uri=redirect_uri, state=state) from error


def _client(client_id: str | None) -> Client:
    client = find_client(client_id) if client_id is not None else None
    if client is None:
        raise Refusal(Reason.CLIENT_UNKNOWN)
    return client


def _parse(client: Client, redirect_uri: str, state: str | None, sent: Mapping[str, list[str]]) -> AuthorizationRequest:
    repeated = next((name for name, values in sent.items() if len(values) > 1), None)
    if repeated is not None:  # RFC 6749 §3.1
        raise _invalid("a parameter is there more than once")
    one = {name: values[0] for name, values in sent.items()}
    for name, code in _NOT_SUPPORTED.items():
        if name in one:
            raise OAuthError(code, f"{name} is not supported")
    if "state" in one and state is None:
        raise _invalid("state must be at most 1024 visible ASCII characters")
    if "response_type" not in one:
        raise _invalid("response_type is missing")
    if one["response_type"] != "code":
        raise OAuthError(ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "response_type must be code")
    if one.get("response_mode", "query") != "query":
        raise _invalid("response_mode must be query")
    # RFC 9700 §2.1.1: PKCE always, and never in the clear
    if one.get("code_challenge_method") != "S256":
        raise _invalid("code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(one.get("code_challenge", "")):
        raise _invalid("code_challenge must be the base64url of a SHA-256, without padding")
    nonce = one.get("nonce")
    if nonce is not None and not _is_text(nonce):
        raise _invalid("nonce must be at most 1024 visible ASCII characters")
    return AuthorizationRequest(
        client_id=client.id,
        redirect_uri=redirect_uri,
        scopes=_scopes(client, one.get("scope", "")),
        state=state,
        nonce=nonce,
        code_challenge=one["code_challenge"],
        prompts=_prompts(one.get("prompt", "")),
        max_age=_max_age(one.get("max_age")),
        login_hint=one.get("login_hint", "")[:_LONGEST] or None,
    )


def _scopes(client: Client, text: str) -> tuple[Scope, ...]:
    scopes = known_scopes(text.split(" "))
    if not scopes:
        raise OAuthError(ErrorCode.INVALID_SCOPE, "scope names nothing there is")
    refused = [scope.value for scope in scopes if scope not in client.scopes]
    if refused:
        raise OAuthError(ErrorCode.INVALID_SCOPE, f"this client may not have {' '.join(refused)}")
    return scopes


def _prompts(text: str) -> tuple[Prompt, ...]:
    names = text.split()
    if any(name not in _PROMPTS for name in names):
        raise _invalid("prompt is not one we know")
    if Prompt.NONE in names and len(names) > 1:
        raise _invalid("prompt none stands alone")
    return tuple(Prompt(name) for name in dict.fromkeys(names))


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise _invalid("max_age must be a number of seconds")
    return int(text)


def _only(sent: Mapping[str, list[str]], name: str) -> str | None:
    values = sent.get(name, [])
    return values[0] if len(values) == 1 else None


def _is_text(value: str) -> bool:
    return len(value) <= _LONGEST and _VISIBLE.fullmatch(value) is not None


def _invalid(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST, description)


def answer_uri(redirect_uri: str, *, issuer: str, state: str | None, **parameters: str) -> str:
    """Where the answer goes: the redirect URI with the parameters, `state` as it came, and `iss`, by which an
    application that knows several servers tells whose answer it is (RFC 9207)."""
    if state is not None:
        parameters["state"] = state
    mark = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{mark}{urlencode({**parameters, 'iss': issuer})}"
