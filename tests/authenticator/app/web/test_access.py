"""Nobody but the browser of the person who started the app sees a page: one test for each way of trying."""

import socket
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from ostiary.authenticator.app.web.access import MOST_LINKS, Access
from tests.authenticator.app.web.running import WITHIN, Reader, RunningApp


@pytest.fixture
def stranger(app: RunningApp) -> Iterator[httpx.Client]:
    with app.client() as client:
        yield client


def raw(app: RunningApp, request: str) -> str:
    """The status line, of bytes that no HTTP client would send."""
    with socket.create_connection(("127.0.0.1", app.port), WITHIN) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return connection.recv(4096).decode("latin-1").partition("\r\n")[0]


# --- the links from outside


def test_start_link_becomes_a_cookie_for_the_secret_path_alone(app: RunningApp, stranger: httpx.Client) -> None:
    answer = stranger.get("/", params={"token": app.start_token})
    root = answer.headers["location"].removesuffix("/accounts")
    assert answer.status_code == 303 and len(root) > 30 and app.start_token not in answer.headers["location"]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and cookie.endswith(f"Path={root}")


def test_start_link_works_once(app: RunningApp, stranger: httpx.Client) -> None:
    stranger.get("/", params={"token": app.start_token})
    stranger.cookies.clear()
    again = stranger.get("/", params={"token": app.start_token})
    assert again.status_code == 403 and "set-cookie" not in again.headers
    assert "used already" in again.text


def test_refuses_a_wrong_token(stranger: httpx.Client) -> None:
    assert stranger.get("/", params={"token": "guess"}).status_code == 403


def test_refuses_no_token(stranger: httpx.Client) -> None:
    assert stranger.get("/").status_code == 403


def test_each_new_start_link_opens_one_more_window(app: RunningApp, stranger: httpx.Client) -> None:
    link = app.service.start_url()
    assert link is not None
    assert stranger.get(link).status_code == 303
    assert stranger.get(link, headers={"cookie": ""}).status_code in (303, 403)
    stranger.cookies.clear()
    assert stranger.get(link).status_code == 403


def test_sent_by_another_site_the_page_itself_goes_on(app: RunningApp, stranger: httpx.Client) -> None:
    """A SameSite=Strict cookie would not follow a redirect that another site began."""
    answer = stranger.get("/", params={"token": app.start_token}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200 and 'http-equiv="refresh"' in answer.text


def test_unused_links_do_not_pile_up() -> None:
    access = Access(token="first", port=1)
    links = [access.start_link() for _ in range(MOST_LINKS)]
    assert access.exchange_start("first") is None
    assert access.exchange_start(links[-1].partition("token=")[2]) is not None


# --- without the cookie


@pytest.mark.parametrize("path", ["/accounts", "/codes", "/settings", "/unlock", "/start", "/sheet", "/events"])
def test_refuses_a_page_without_the_cookie(reader: Reader, stranger: httpx.Client, path: str) -> None:
    answer = stranger.get(reader.root + path, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 403
    assert reader.root not in answer.text and "laptop" not in answer.text


def test_refuses_a_wrong_cookie(reader: Reader, stranger: httpx.Client) -> None:
    answer = stranger.get(f"{reader.root}/accounts", headers={"cookie": "authenticator=guess"})
    assert answer.status_code == 403


def test_refuses_another_secret_path(reader: Reader) -> None:
    assert reader.client.get("/guess/accounts").status_code == 404


def test_a_refused_write_changes_nothing(app: RunningApp, reader: Reader, stranger: httpx.Client) -> None:
    answer = stranger.post(f"{reader.root}/lock", headers={"origin": app.origin})
    assert answer.status_code == 403 and not app.state.is_locked


# --- the host: a name that somebody pointed at 127.0.0.1


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.:{port}", "[::1]:{port}"]
)
def test_refuses_another_host(app: RunningApp, reader: Reader, host: str) -> None:
    answer = reader.get("/accounts", host=host.format(port=app.port))
    assert answer.status_code == 421


def test_refuses_two_hosts(app: RunningApp) -> None:
    own = f"127.0.0.1:{app.port}"
    status = raw(app, f"GET / HTTP/1.1\nHost: {own}\nHost: evil.example\nConnection: close\n\n")
    assert " 421 " in status or " 400 " in status


def test_refuses_no_host(app: RunningApp) -> None:
    status = raw(app, "GET / HTTP/1.0\nConnection: close\n\n")
    assert " 421 " in status or " 400 " in status


def test_localhost_is_a_host_of_ours(app: RunningApp, reader: Reader) -> None:
    assert reader.get("/accounts", host=f"localhost:{app.port}").status_code == 200


# --- where requests come from


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_refuses_a_write_from_another_site(app: RunningApp, reader: Reader, site: str) -> None:
    assert reader.post("/lock", {"sec-fetch-site": site}).status_code == 403
    assert not app.state.is_locked


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"])
def test_refuses_a_write_with_another_origin(app: RunningApp, reader: Reader, origin: str) -> None:
    assert reader.post("/lock", {"origin": origin.format(port=app.port)}).status_code == 403
    assert not app.state.is_locked


def test_refuses_a_write_without_an_origin(app: RunningApp, reader: Reader) -> None:
    assert reader.client.post(f"{reader.root}/lock").status_code == 403
    assert not app.state.is_locked


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_refuses_the_event_stream_to_another_site(reader: Reader, site: str) -> None:
    assert reader.get("/events", **{"sec-fetch-site": site}).status_code == 403


def test_refuses_the_event_stream_to_another_origin(reader: Reader) -> None:
    assert reader.get("/events", origin="http://evil.example").status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_refuses_a_page_that_another_site_leads_to(reader: Reader, site: str) -> None:
    """`same-site` is another port of this computer, perhaps another person's program."""
    assert reader.get("/accounts", **{"sec-fetch-site": site}).status_code == 403


def test_says_nothing_of_sharing_with_other_origins(reader: Reader) -> None:
    answer = reader.get("/accounts")
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert reader.client.options(f"{reader.root}/accounts").status_code == 405


# --- what a browser may do with a page


@pytest.mark.parametrize("path", ["/accounts", "/codes", "/nothing"])
def test_every_page_forbids_what_it_does_not_need(reader: Reader, path: str) -> None:
    headers = reader.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"


def test_refusals_carry_the_same_headers(stranger: httpx.Client) -> None:
    answer = stranger.get("/", headers={"host": "evil.example"})
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_static_files_need_no_cookie_but_the_host(stranger: httpx.Client) -> None:
    assert stranger.get("/static/css/app.css").status_code == 200
    assert stranger.get("/static/css/tokens.css").status_code == 200
    assert stranger.get("/static/css/app.css", headers={"host": "evil.example"}).status_code == 421
    assert stranger.get("/static/../access.py").status_code == 404


# --- what is sent


def test_refuses_a_body_that_is_too_large(app: RunningApp, reader: Reader) -> None:
    own = f"127.0.0.1:{app.port}"
    status = raw(
        app,
        f"POST {reader.root}/lock HTTP/1.1\nHost: {own}\nOrigin: {app.origin}\nContent-Length: 6000000\n"
        "Connection: close\n\n",
    )
    assert " 413 " in status


def test_refuses_a_body_of_unknown_length(app: RunningApp, reader: Reader) -> None:
    own = f"127.0.0.1:{app.port}"
    status = raw(
        app,
        f"POST {reader.root}/lock HTTP/1.1\nHost: {own}\nOrigin: {app.origin}\nTransfer-Encoding: chunked\n"
        "Connection: close\n\n0\n\n",
    )
    assert " 411 " in status


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_refuses_other_verbs(app: RunningApp, reader: Reader, method: str) -> None:
    assert reader.client.request(method, f"{reader.root}/accounts").status_code == 405


def test_refuses_a_form_that_is_not_one(app: RunningApp, reader: Reader) -> None:
    sent = {"origin": app.origin, "content-type": "text/plain"}
    answer = reader.client.post(f"{reader.root}/unlock", content=b"pin=1", headers=sent)
    assert answer.status_code == 422 and "not well-formed" in answer.text


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "/\\evil.example", "/elsewhere"])
def test_never_leads_out_of_the_app(app: RunningApp, reader: Reader, there: str) -> None:
    assert reader.goes_to(reader.post("/language", language="en", return_to=there)) == "/accounts"
    inner = reader.root + there
    assert reader.goes_to(reader.post("/language", language="en", return_to=inner)).startswith(("/accounts", "/else"))


# --- windows of one question


@pytest.fixture
def window(app: RunningApp) -> Iterator[httpx.Client]:
    with app.client(origin=app.origin) as client:
        yield client


def test_a_window_shows_its_question_and_nothing_else(app: RunningApp, window: httpx.Client) -> None:
    asked = app.ask()
    link = app.service.prompt_url(asked.view.id)
    assert link is not None
    entered = window.get(link)
    there = entered.headers["location"]
    assert "login.contoso.example" in window.get(there).text
    assert entered.headers["set-cookie"].endswith(f"Path={there}")
    root = there.partition("/prompt/")[0]
    assert window.get(f"{root}/accounts").status_code == 403
    assert window.get(f"{root}/sheet").status_code == 403
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert window.get(f"{root}/accounts", headers={"cookie": cookie}).status_code == 403
    assert window.get(f"{root}/prompt/another", headers={"cookie": cookie}).status_code == 403
    asked.cancel()


def test_a_window_link_works_once(app: RunningApp, window: httpx.Client) -> None:
    asked = app.ask()
    link = app.service.prompt_url(asked.view.id)
    assert link is not None
    assert window.get(link).status_code == 303
    window.cookies.clear()
    assert window.get(link).status_code == 403
    asked.cancel()


def test_a_window_key_opens_no_other_question(app: RunningApp, window: httpx.Client) -> None:
    link = app.service.prompt_url("one")
    assert link is not None
    assert window.get(link.replace("/prompt/one", "/prompt/two")).status_code == 403


def test_a_stranger_answers_no_question(app: RunningApp, reader: Reader, window: httpx.Client) -> None:
    asked = app.ask()
    answer = window.post(f"{reader.root}/prompt/{asked.view.id}", data={"answer": "decline"})
    assert answer.status_code == 403
    assert app.service.prompt() is not None
    asked.cancel()
