"""Which reason a browser's error becomes: the table, and then the errors of a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from .chromium import VirtualAuthenticator, evaluate
from .stub_server import StubServer, creation_options, request_options

MINUTES = 60_000
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
SAFARI = IPHONE + "Version/18.5 Mobile/15E148 Safari/604.1"
CHROME_ON_IPHONE = IPHONE + "CriOS/146.0.0.0 Mobile/15E148 Safari/604.1"
WEB_VIEW_ON_IPHONE = IPHONE + "Mobile/15E148"
WEB_VIEW_ON_ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/X; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/146.0.0.0 Mobile Safari/537.36"
)
LINKEDIN = SAFARI + " [LinkedInApp]"

# (error name, circumstances, reason)
ENDINGS: list[tuple[str, dict[str, object], str]] = [
    # NotAllowedError: only its time tells
    ("NotAllowedError", {"operation": "create", "elapsed": 20}, "create_blocked_fast"),
    ("NotAllowedError", {"operation": "create", "elapsed": 999, "visible": False}, "create_blocked_fast"),
    ("NotAllowedError", {"operation": "create", "elapsed": 1_000}, "create_closed"),
    ("NotAllowedError", {"operation": "create", "elapsed": 29_000}, "create_closed"),
    ("NotAllowedError", {"operation": "create", "elapsed": 30_000}, "create_timeout"),
    ("NotAllowedError", {"operation": "create", "elapsed": 40_000, "timeout": 5 * MINUTES}, "create_closed"),
    ("NotAllowedError", {"operation": "create", "elapsed": 299_000, "timeout": 5 * MINUTES}, "create_timeout"),
    ("NotAllowedError", {"operation": "get", "elapsed": 20, "visible": False}, "get_blocked_fast"),
    ("NotAllowedError", {"operation": "get", "elapsed": 20, "visible": True}, "get_none_here"),
    ("NotAllowedError", {"operation": "get", "elapsed": 4_000}, "get_closed"),
    ("NotAllowedError", {"operation": "get", "elapsed": 59_900, "timeout": 1 * MINUTES}, "get_timeout"),
    ("NotAllowedError", {"operation": "get", "elapsed": 20, "userAgent": LINKEDIN}, "in_app_browser"),
    ("NotAllowedError", {"operation": "create", "elapsed": 20, "userAgent": WEB_VIEW_ON_IPHONE}, "in_app_browser"),
    ("NotAllowedError", {"operation": "create", "elapsed": 9_000, "userAgent": LINKEDIN}, "create_closed"),
    ("NotAllowedError", {"operation": "get", "elapsed": 20, "userAgent": CHROME_ON_IPHONE}, "get_none_here"),
    # Errors that say what they mean
    ("TimeoutError", {"operation": "create", "elapsed": 305_000}, "create_timeout"),
    ("TimeoutError", {"operation": "get", "elapsed": 305_000}, "get_timeout"),
    ("InvalidStateError", {"operation": "create", "elapsed": 4}, "create_exists"),
    ("ConstraintError", {"operation": "create", "elapsed": 4}, "create_no_uv"),
    ("NotSupportedError", {"operation": "create", "elapsed": 4}, "create_unsupported_algorithm"),
    ("SecurityError", {"operation": "create", "elapsed": 4}, "insecure_address"),
    ("SecurityError", {"operation": "get", "elapsed": 4}, "insecure_address"),
    # Everything else could not be finished
    ("NotReadableError", {"operation": "create", "elapsed": 4_000}, "create_unreadable"),
    ("UnknownError", {"operation": "create", "elapsed": 4_000}, "create_unreadable"),
    ("UnknownError", {"operation": "get", "elapsed": 4_000}, "get_unreadable"),
    ("ConstraintError", {"operation": "get", "elapsed": 4}, "get_unreadable"),
    ("NameOfTomorrow", {"operation": "get", "elapsed": 4}, "get_unreadable"),
    # Ours
    ("AbortError", {"operation": "create", "elapsed": 4_000}, "aborted"),
    ("NotAllowedError", {"operation": "get", "elapsed": 4_000, "aborted": True}, "aborted"),
    ("Refusal", {"operation": "get", "elapsed": 4_000}, "offline"),
]

# (environment, reason that no ceremony can begin)
ENVIRONMENTS: list[tuple[dict[str, object], str | None]] = [
    ({"secure": True, "supported": True, "userAgent": CHROME}, None),
    ({"secure": True, "supported": True, "userAgent": LINKEDIN}, None),
    ({"secure": True, "supported": False, "userAgent": CHROME}, "no_webauthn"),
    ({"secure": True, "supported": False, "userAgent": SAFARI}, "no_webauthn"),
    ({"secure": True, "supported": False, "userAgent": WEB_VIEW_ON_ANDROID}, "in_app_browser"),
    ({"secure": True, "supported": False, "userAgent": WEB_VIEW_ON_IPHONE}, "in_app_browser"),
    ({"secure": False, "supported": False, "userAgent": CHROME}, "insecure_address"),
]

REASON_OF_REAL_ERROR = """async ({operation, options, abortAfter}) => {
    const { reasonOf } = await import("/static/js/reasons.js");
    const { createPasskey, getPasskey } = await import("/static/js/webauthn.js");
    const controller = new AbortController();
    if (abortAfter) setTimeout(() => controller.abort(), abortAfter);
    const started = performance.now();
    try {
        await (operation === "create" ? createPasskey : getPasskey)(options, { signal: controller.signal });
        return "it worked";
    } catch (error) {
        return reasonOf(error, {operation, elapsed: performance.now() - started, timeout: options.timeout});
    }
}"""


@pytest.fixture
def start(page: Page, stub: StubServer, virtual_authenticator: VirtualAuthenticator) -> Page:
    page.goto(stub.url)
    return page


def reason_of_create(page: Page, options: object, **more: object) -> object:
    return evaluate(page, REASON_OF_REAL_ERROR, {"operation": "create", "options": options, **more})


def reason_of_get(page: Page, options: object, **more: object) -> object:
    return evaluate(page, REASON_OF_REAL_ERROR, {"operation": "get", "options": options, **more})


def test_every_ending_has_its_reason(start: Page) -> None:
    reasons = evaluate(
        start,
        """async (endings) => {
            const { reasonOf } = await import("/static/js/reasons.js");
            return endings.map(([name, circumstances]) => {
                const error = new DOMException("Not worth reading.", name);
                return reasonOf(error, circumstances);
            });
        }""",
        [ending[:2] for ending in ENDINGS],
    )
    told = [(name, circumstances, reason) for (name, circumstances, _), reason in zip(ENDINGS, reasons, strict=True)]
    assert told == ENDINGS


def test_what_is_no_error_of_the_browser_could_not_be_finished(start: Page) -> None:
    expression = """async (thrown) => {
        const { reasonOf } = await import("/static/js/reasons.js");
        return [thrown, null, new TypeError("x")].map((it) => reasonOf(it, {operation: "create", elapsed: 1}));
    }"""
    assert evaluate(start, expression, "a string") == ["create_unreadable"] * 3


def test_every_environment_without_webauthn_has_its_reason(start: Page) -> None:
    reasons = evaluate(
        start,
        """async (environments) => {
            const { unavailableReason } = await import("/static/js/reasons.js");
            return environments.map(unavailableReason);
        }""",
        [environment for environment, _ in ENVIRONMENTS],
    )
    assert reasons == [reason for _, reason in ENVIRONMENTS]


def test_the_tables_cover_every_reason_there_is(start: Page) -> None:
    reasons = evaluate(start, """async () => (await import("/static/js/reasons.js")).REASONS""")
    assert {reason for *_, reason in ENDINGS} | {reason for _, reason in ENVIRONMENTS if reason} == set(reasons)


def test_passkey_already_there(start: Page, virtual_authenticator: VirtualAuthenticator) -> None:
    assert reason_of_create(start, creation_options()) == "it worked"
    [id] = virtual_authenticator.credential_ids()
    excluded = creation_options(excludeCredentials=[{"type": "public-key", "id": id}])
    assert reason_of_create(start, excluded) == "create_exists"


def test_no_passkey_here(start: Page) -> None:
    assert reason_of_get(start, request_options()) == "get_none_here"


def test_device_that_cannot_verify_its_person(start: Page, virtual_authenticator: VirtualAuthenticator) -> None:
    virtual_authenticator.set_user_verified(False)
    assert reason_of_create(start, creation_options()) == "create_blocked_fast"


def test_nobody_there_until_the_time_ran_out(start: Page, virtual_authenticator: VirtualAuthenticator) -> None:
    virtual_authenticator.set_present(False)
    assert reason_of_create(start, creation_options(timeout=1_200)) == "create_timeout"


@pytest.mark.parametrize("operation", [reason_of_create, reason_of_get])
def test_aborted_by_us(
    start: Page, virtual_authenticator: VirtualAuthenticator, operation: Callable[..., object]
) -> None:
    reason_of_create(start, creation_options())
    virtual_authenticator.set_present(False)
    options = creation_options() if operation is reason_of_create else request_options()
    assert operation(start, options, abortAfter=50) == "aborted"


def test_address_that_is_no_domain(start: Page, stub: StubServer) -> None:
    start.goto(f"http://127.0.0.1:{stub.port}")
    assert reason_of_create(start, creation_options()) == "insecure_address"
    assert reason_of_get(start, request_options()) == "insecure_address"


def test_relying_party_of_another_address(start: Page) -> None:
    elsewhere = creation_options(rp={"id": "login.contoso.example", "name": "Contoso"})
    assert reason_of_create(start, elsewhere) == "insecure_address"


def test_algorithms_nobody_knows(start: Page) -> None:
    options = creation_options(pubKeyCredParams=[{"type": "nothing-known", "alg": -7}])
    assert reason_of_create(start, options) == "create_unsupported_algorithm"


def test_options_that_cannot_be_read(start: Page) -> None:
    assert reason_of_create(start, creation_options(challenge="not base64url!")) == "create_unreadable"


def test_plain_http_hides_webauthn_altogether(start: Page, stub: StubServer) -> None:
    start.goto(f"http://login.contoso.test:{stub.port}")
    expression = """async () => {
        const { unavailableReason } = await import("/static/js/reasons.js");
        const { isSupported } = await import("/static/js/webauthn.js");
        return unavailableReason({ secure: isSecureContext, supported: isSupported() });
    }"""
    assert evaluate(start, expression) == "insecure_address"
