"""Where an application may have the browser sent."""

from dataclasses import replace

import pytest

from ostiary.oidc.clients import AUTHENTICATOR, find_client

WEB = replace(AUTHENTICATOR, redirect_uris=("https://app.fabrikam.example/signed-in", "com.fabrikam.app:/signed-in"))
IPV6 = replace(AUTHENTICATOR, redirect_uris=("http://[::1]/signed-in",))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/signed-in",
        "http://127.0.0.1:1/signed-in",
        "http://127.0.0.1:53117/signed-in",
        "http://127.0.0.1:65535/signed-in",
    ],
)
def test_the_authenticator_may_listen_at_any_port(uri: str) -> None:
    assert AUTHENTICATOR.may_redirect_to(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/signed-in",
        "//127.0.0.1/signed-in",
        "http://127.0.0.1",
        "http://127.0.0.1/",
        "http://127.0.0.1/signed-in/",
        "http://127.0.0.1/signed-in?x=1",
        "http://127.0.0.1/signed-in#x",
        "http://127.0.0.1/Signed-in",
        "http://127.0.0.1//signed-in",
        "http://127.0.0.1/x/../signed-in",
        "http://127.0.0.1/evil/signed-in",
        "http://127.0.0.1:/signed-in",
        "http://127.0.0.1:0/signed-in",
        "http://127.0.0.1:080/signed-in",
        "http://127.0.0.1:65536/signed-in",
        "http://127.0.0.1:99999/signed-in",
        "http://127.0.0.1:-1/signed-in",
        "http://127.0.0.1:٣/signed-in",
        "http://127.0.0.1:80:81/signed-in",
        "http://127.0.0.1:53117@evil.example/signed-in",
        "http://127.0.0.1:53117\n/signed-in",
        "http://127.0.0.1 /signed-in",
        "http://127.0.0.1.evil/signed-in",
        "http://127.0.0.1.evil:80/signed-in",
        "http://127.0.0.1@evil.example/signed-in",
        "http://user@127.0.0.1/signed-in",
        "http://user:word@127.0.0.1:80/signed-in",
        "http://evil.example/http://127.0.0.1/signed-in",
        "http://127.0.0.2/signed-in",
        "http://127.1/signed-in",
        "http://2130706433/signed-in",
        "http://0x7f.0.0.1/signed-in",
        "http://localhost/signed-in",
        "http://localhost:53117/signed-in",
        "http://[::1]/signed-in",
        "http://[::ffff:127.0.0.1]/signed-in",
        "https://127.0.0.1/signed-in",
        "HTTP://127.0.0.1/signed-in",
        "ftp://127.0.0.1/signed-in",
        "javascript:alert(1)//127.0.0.1/signed-in",
        "http:\\\\127.0.0.1\\signed-in",
        "http://127.0.0.1\\@evil.example/signed-in",
    ],
)
def test_refuses_to_redirect_anywhere_else(uri: str) -> None:
    assert not AUTHENTICATOR.may_redirect_to(uri)


def test_ipv6_loopback_has_any_port_too() -> None:
    assert IPV6.may_redirect_to("http://[::1]:53117/signed-in")
    assert not IPV6.may_redirect_to("http://127.0.0.1:53117/signed-in")


@pytest.mark.parametrize("uri", WEB.redirect_uris)
def test_other_addresses_are_compared_whole(uri: str) -> None:
    assert WEB.may_redirect_to(uri)
    assert not WEB.may_redirect_to(f"{uri}/")
    assert not WEB.may_redirect_to(f"{uri}?a=b")


def test_only_loopback_has_any_port() -> None:
    assert not WEB.may_redirect_to("https://app.fabrikam.example:8443/signed-in")


@pytest.mark.parametrize("client_id", ["", "ostiary", "OSTIARY-AUTHENTICATOR", "ostiary-authenticator\n"])
def test_refuses_a_client_there_is_not(client_id: str) -> None:
    assert find_client(client_id) is None
