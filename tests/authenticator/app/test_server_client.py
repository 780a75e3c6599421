"""Signing in at a server that does not keep to the rules: each is refused, and no account is added."""

import json
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.oauth import CLIENT_ID
from ostiary.authenticator.app.redirect import RedirectListener
from ostiary.authenticator.app.server_client import MOST_BYTES, ServerClient, parse_origin
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import SignInStatus, SignInView


@dataclass
class Server:
    """A provider of a test: well-behaved, but for what a test changes of it."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1", "alg": "ES256"}))
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """By path, in the place of its own."""
    signs: Callable[["Server", dict[str, Any]], str] | None = None
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    url: str = ""
    nonce: str = ""

    def answer(self, path: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        if path in self.answers:
            return self.answers[path]
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/keys",
                    "authorization_response_iss_parameter_supported": True,
                    **self.metadata,
                }
            case "/keys":
                return 200, {"keys": [self.key.as_dict(private=False)]}
            case "/token":
                self.forms.append(form)
                return 200, {
                    "access_token": "access",
                    "token_type": "Bearer",
                    "expires_in": 3600,
                    "refresh_token": f"refresh-{len(self.forms)}",
                    "id_token": self.id_token(),
                }
        return 404, {"error": {"code": "resourceNotFound", "message": "Not here."}}

    def id_token(self) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "ada",
            "preferred_username": "ada@contoso.example",
            "name": "Ada",
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.signs is not None:
            return self.signs(self, claims)
        return jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.key)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self.reply(parse_qs(body.decode()))

        def reply(self, form: dict[str, list[str]]) -> None:
            status, body = server.answer(urlsplit(self.path).path, form)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("location", "https://other.example/")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    http.shutdown()
    http.server_close()
    thread.join()


def visit(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            answer.read()
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def come_back(server: Server, begun: SignInView, **changes: str | None) -> int:
    """What the browser does once the person has signed in."""
    asked = dict(parse_qsl(urlsplit(begun.url).query))
    server.nonce = asked["nonce"]
    parameters: dict[str, str | None] = {"code": "code-1", "state": asked["state"], "iss": server.url, **changes}
    sent = {name: value for name, value in parameters.items() if value is not None}
    return visit(f"{asked['redirect_uri']}?{urlencode(sent)}")


def outcome(app: AuthenticatorService, server: Server, **changes: str | None) -> SignInView:
    begun = app.begin_sign_in(server.url)
    assert come_back(server, begun, **changes) == 200
    return app.wait_for_sign_in(begun.id)


def test_signs_in(ready: AuthenticatorService, server: Server) -> None:
    begun = ready.begin_sign_in(server.url)
    asked = dict(parse_qsl(urlsplit(begun.url).query))
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert come_back(server, begun) == 200
    over = ready.wait_for_sign_in(begun.id)
    assert over.status is SignInStatus.DONE
    assert ready.accounts()[0].username == "ada@contoso.example"
    assert len(server.forms[0]["code_verifier"][0]) >= 43  # RFC 7636 §4.1
    # the listener is gone, and what was used once is not taken again
    with pytest.raises(OSError, match="refused"):
        come_back(server, begun)


def test_takes_the_redirect_once_and_by_its_state(ready: AuthenticatorService, server: Server) -> None:
    begun = ready.begin_sign_in(server.url)
    assert come_back(server, begun, state="other") == 400
    assert come_back(server, begun, state=None) == 400
    assert ready.sign_in(begun.id).status is SignInStatus.WAITING
    assert come_back(server, begun) == 200
    assert ready.wait_for_sign_in(begun.id).status is SignInStatus.DONE


def test_the_listener_answers_nothing_else() -> None:
    listener = RedirectListener()
    listener.start("state")
    base = f"http://127.0.0.1:{listener.port}"
    assert visit(f"{base}/") == 404
    assert visit(f"http://localhost:{listener.port}/signed-in?state=state") == 404  # another Host
    assert visit(f"{base}/signed-in?state=state&state=state") == 400
    assert visit(f"{base}/signed-in?" + "&".join(["a=b"] * 50)) == 400
    assert listener.wait(0) is None
    assert visit(f"{base}/signed-in?state=state&code=1") == 200
    assert visit(f"{base}/signed-in?state=state&code=2") == 400
    assert listener.wait(0) == {"state": "state", "code": "1"}
    listener.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": None}, "sign_in_invalid"),
        ({"iss": "https://other.example"}, "sign_in_invalid"),
        ({"code": None}, "sign_in_invalid"),
        ({"code": None, "error": "access_denied"}, "sign_in_refused"),
        ({"code": None, "error": "server_error"}, "server_error"),
    ],
)
def test_refuses_an_answer(
    ready: AuthenticatorService, server: Server, changes: dict[str, str | None], reason: str
) -> None:
    over = outcome(ready, server, **changes)
    assert (over.status, over.reason) == (SignInStatus.FAILED, reason)
    assert over.message
    assert ready.accounts() == ()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "another-app"},
        {"aud": [CLIENT_ID, "another-app"]},
        {"nonce": "other"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": 7},
        {"preferred_username": None},
        {"preferred_username": ["ada"]},
    ],
    ids=str,
)
def test_refuses_an_id_token_that_proves_nothing(
    ready: AuthenticatorService, server: Server, claims: dict[str, Any]
) -> None:
    server.claims = claims
    assert outcome(ready, server).reason == "sign_in_invalid"
    assert ready.accounts() == ()


def _by_another_key(server: Server, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "1"}, claims, ECKey.generate_key("P-256"))


def _unsigned(server: Server, claims: dict[str, Any]) -> str:
    _, body, _ = jwt.encode({"alg": "ES256", "kid": "1"}, claims, server.key).split(".")
    return f"eyJhbGciOiJub25lIn0.{body}."


def _nonsense(server: Server, claims: dict[str, Any]) -> str:
    return "a.b.c"


@pytest.mark.parametrize("signs", [_by_another_key, _unsigned, _nonsense])
def test_refuses_an_id_token_that_is_not_the_servers(
    ready: AuthenticatorService, server: Server, signs: Callable[[Server, dict[str, Any]], str]
) -> None:
    server.signs = signs
    assert outcome(ready, server).reason == "sign_in_invalid"
    assert ready.accounts() == ()


@pytest.mark.parametrize(
    "token",
    [
        (400, {"error": "invalid_grant"}),
        (200, {"access_token": "a", "token_type": "DPoP", "expires_in": 1}),
        (200, {"token_type": "Bearer"}),
        (200, []),
        (200, b"<html>"),
        (302, {}),
    ],
    ids=str,
)
def test_refuses_tokens_that_are_none(ready: AuthenticatorService, server: Server, token: tuple[int, Any]) -> None:
    server.answers["/token"] = token
    over = outcome(ready, server)
    assert over.status is SignInStatus.FAILED
    assert ready.accounts() == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "https://other.example/token"},
        {"authorization_endpoint": "//other.example/authorize"},
        {"jwks_uri": 7},
        {"token_endpoint": None},
    ],
    ids=str,
)
def test_refuses_metadata_that_leads_elsewhere(
    ready: AuthenticatorService, server: Server, metadata: dict[str, Any]
) -> None:
    server.metadata = metadata
    with pytest.raises(AppError) as refused:
        ready.begin_sign_in(server.url)
    assert refused.value.reason is AppReason.SERVER_ANSWER_INVALID


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, b"x" * (MOST_BYTES + 1)), AppReason.SERVER_ANSWER_INVALID),
        ((200, b"{"), AppReason.SERVER_ANSWER_INVALID),
        ((404, b""), AppReason.SERVER_ANSWER_INVALID),
        ((302, b""), AppReason.SERVER_ANSWER_INVALID),
        ((503, b"<html>"), AppReason.SERVER_UNREACHABLE),
    ],
    ids=lambda one: str(one)[:20],
)
def test_refuses_an_answer_that_is_no_metadata(
    ready: AuthenticatorService, server: Server, answer: tuple[int, bytes], reason: AppReason
) -> None:
    server.answers["/.well-known/openid-configuration"] = answer
    with pytest.raises(AppError) as refused:
        ready.begin_sign_in(server.url)
    assert refused.value.reason is reason


def test_says_that_nobody_answers(ready: AuthenticatorService) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(AppError) as refused:
        ready.begin_sign_in(f"http://127.0.0.1:{port}")
    assert refused.value.reason is AppReason.SERVER_UNREACHABLE


def test_refuses_a_certificate_nobody_vouches_for(tls_port: int) -> None:
    with ServerClient(f"https://localhost:{tls_port}") as client, pytest.raises(AppError) as refused:
        client.get("/")
    assert refused.value.reason is AppReason.SERVER_UNTRUSTED


@pytest.fixture
def tls_port(tmp_path: Any) -> Iterator[int]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime.now(UTC), datetime.now(UTC) + timedelta(1)
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = tmp_path / "tls.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(5)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("login.contoso.example", "https://login.contoso.example"),
        (" https://Login.Contoso.example/sign-in ", "https://login.contoso.example"),
        ("https://login.contoso.example:443", "https://login.contoso.example"),
        ("https://login.contoso.example:8443/", "https://login.contoso.example:8443"),
        ("localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://login.localhost", "http://login.localhost"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_understands_an_address(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://login.contoso.example",
        "http://localhost.contoso.example",
        "ftp://localhost",
        "https://user@contoso.example",
        "https://user:pass@contoso.example",
        "https://contoso.example?x=1",
        "https://contoso.example#x",
        "https://",
        "https://con toso.example",
        "https://contoso.example:99999",
        "https://[::1",
        "javascript:alert(1)",
    ],
)
def test_refuses_an_address(text: str) -> None:
    with pytest.raises(AppError) as refused:
        parse_origin(text)
    assert refused.value.reason is AppReason.SERVER_INVALID


def test_cancelling_a_sign_in_ends_it(ready: AuthenticatorService, server: Server) -> None:
    begun = ready.begin_sign_in(server.url)
    ready.cancel_sign_in(begun.id)
    over = ready.wait_for_sign_in(begun.id)
    assert (over.status, over.reason) == (SignInStatus.FAILED, "cancelled")
    with pytest.raises(AppError) as unknown:
        ready.sign_in("other")
    assert unknown.value.reason is AppReason.SIGN_IN_UNKNOWN


def test_a_refresh_token_that_was_taken_back_asks_to_sign_in(ready: AuthenticatorService, server: Server) -> None:
    over = outcome(ready, server)
    assert over.account_id
    ready._accounts._access.clear()  # as after a restart
    server.answers["/token"] = (400, {"error": "invalid_grant"})
    with pytest.raises(AppError) as refused:
        ready.set_up(over.account_id)
    assert refused.value.reason is AppReason.SIGN_IN_NEEDED
    assert not ready.account(over.account_id).is_signed_in


def test_rotates_refresh_tokens(ready: AuthenticatorService, server: Server) -> None:
    over = outcome(ready, server)
    assert over.account_id
    ready._accounts._access.clear()
    with pytest.raises(AppError):
        ready.set_up(over.account_id)  # this server has no Graph
    assert server.forms[-1]["refresh_token"] == ["refresh-1"]
    account = ready._accounts.find(over.account_id)
    assert ready.keys.secret(account.token_name) == b"refresh-2"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        [],
        {"organization": {"name": "C", "rpId": "bank.example", "origin": "https://bank.example"}},
        {
            "organization": {"name": 7, "rpId": "localhost", "origin": "{url}"},
            "passkey": {},
            "approvals": {},
            "codes": {},
        },
    ],
    ids=str,
)
def test_refuses_a_server_that_speaks_for_another(ready: AuthenticatorService, server: Server, facts: Any) -> None:
    over = outcome(ready, server)
    assert over.account_id
    server.answers["/v1.0/ostiary/me/setup"] = (200, json.loads(json.dumps(facts).replace("{url}", server.url)))
    with pytest.raises(AppError) as refused:
        ready.set_up(over.account_id)
    assert refused.value.reason is AppReason.SERVER_ANSWER_INVALID
    assert ready.passkeys() == ()


def test_says_what_the_policy_does_not_have(ready: AuthenticatorService, server: Server) -> None:
    over = outcome(ready, server)
    assert over.account_id
    no = {"isAllowed": False, "reason": "method_not_offered", "message": "Not here.", "next": "Ask."}
    server.answers["/v1.0/ostiary/me/setup"] = (
        200,
        {
            "organization": {"name": "Contoso", "rpId": "localhost", "origin": server.url},
            "passkey": no,
            "approvals": no,
            "codes": no,
        },
    )
    steps = ready.set_up(over.account_id)
    assert {(one.status, one.reason, one.message, one.next) for one in steps} == {
        ("not_allowed", "method_not_offered", "Not here.", "Ask.")
    }
