"""For which relying parties a page may speak."""

import pytest

from ostiary.authenticator.client import ClientError, ClientReason
from ostiary.authenticator.client.origin import Caller, caller_of, rp_id_for


@pytest.mark.parametrize(
    "origin",
    [
        "https://contoso.example",
        "https://login.contoso.example:8443",
        "http://localhost",
        "http://localhost:8000",
        "http://login.localhost:8000",
        "https://xn--bcher-kva.example",
    ],
)
def test_takes_secure_origins(origin: str) -> None:
    assert caller_of(origin, cross_origin=False) == Caller(origin)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        7,
        "",
        "null",
        "contoso.example",
        "https://",
        "https://contoso.example/",
        "https://contoso.example/path",
        "https://contoso.example?query",
        "https://ada@contoso.example",
        "https://Contoso.example",
        "HTTPS://contoso.example",
        "https://contoso.example:443",
        "http://localhost:80",
        "https://contoso.example:port",
        "https://contoso.example:99999",
        "https://bücher.example",
        "https://contoso.example\n",
        " https://contoso.example",
    ],
)
def test_refuses_what_no_browser_calls_an_origin(origin: object) -> None:
    with pytest.raises(ClientError) as caught:
        caller_of(origin, cross_origin=False)
    assert (caught.value.name, caught.value.reason) == ("SecurityError", ClientReason.CALLER_UNKNOWN)


@pytest.mark.parametrize(
    "origin",
    [
        "http://contoso.example",
        "http://127.0.0.1:8000",
        "http://localhost.contoso.example",
        "http://notlocalhost",
        "ftp://contoso.example",
        "chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh",
        "file://host",
    ],
)
def test_refuses_an_insecure_context(origin: str) -> None:
    with pytest.raises(ClientError) as caught:
        caller_of(origin, cross_origin=False)
    assert (caught.value.name, caught.value.reason) == ("SecurityError", ClientReason.ORIGIN_INSECURE)


@pytest.mark.parametrize("top_origin", [7, "", "null", "https://portal.example/", 'https://a"b'])
def test_refuses_a_top_origin_that_is_none(top_origin: object) -> None:
    with pytest.raises(ClientError) as caught:
        caller_of("https://contoso.example", cross_origin=True, top_origin=top_origin)
    assert caught.value.reason is ClientReason.CALLER_UNKNOWN


@pytest.mark.parametrize(
    ("origin", "asked", "rp_id"),
    [
        ("https://login.contoso.example", None, "login.contoso.example"),
        ("https://login.contoso.example", "login.contoso.example", "login.contoso.example"),
        ("https://login.contoso.example", "contoso.example", "contoso.example"),
        ("https://a.b.contoso.co.uk:8443", "contoso.co.uk", "contoso.co.uk"),
        ("http://localhost:8000", None, "localhost"),
        ("http://localhost:8000", "localhost", "localhost"),
        ("http://login.contoso.localhost", "contoso.localhost", "contoso.localhost"),
        ("https://ada.github.io", "ada.github.io", "ada.github.io"),
        ("https://xn--bcher-kva.example", None, "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example:8443", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://login.xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        # a label that IDNA 2003, which Python has, cannot show
        ("https://xn--strae-oqa.xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_lets_a_page_speak_for_itself_and_its_parents(origin: str, asked: str | None, rp_id: str) -> None:
    assert rp_id_for(caller_of(origin, cross_origin=False), asked) == rp_id


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        ("https://login.contoso.example", "fabrikam.example"),
        ("https://login.contoso.example", "ogin.contoso.example"),
        ("https://contoso.example", "login.contoso.example"),
        ("https://evilcontoso.example", "contoso.example"),
        # public suffixes, in the four ways the list names them
        ("https://contoso.co.uk", "co.uk"),
        ("https://ada.github.io", "github.io"),
        ("https://www.shop.anything.ck", "anything.ck"),
        ("https://a.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("https://xn--bcher-kva.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("http://login.localhost", "localhost"),
    ],
)
def test_refuses_to_speak_for_others(origin: str, asked: str) -> None:
    with pytest.raises(ClientError) as caught:
        rp_id_for(caller_of(origin, cross_origin=False), asked)
    assert (caught.value.name, caught.value.reason) == ("SecurityError", ClientReason.RP_ID_MISMATCH)


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        ("https://192.0.2.7", None),
        ("https://192.0.2.7", "192.0.2.7"),
        ("https://[2001:db8::1]", None),
        ("https://intranet", None),
        ("https://contoso.example", "example"),
        ("https://contoso.example", "com"),
        ("https://contoso.example", ""),
        ("https://contoso.example", ".contoso.example"),
        ("https://contoso.example", "contoso.example."),
        ("https://contoso.example", "Contoso.example"),
        ("https://contoso.example", "https://contoso.example"),
        ("https://contoso.example", "contoso.example:443"),
        ("https://1.2.3.4", "2.3.4"),
        ("https://contoso.example", "a" * 64 + ".example"),
        ("https://contoso.example", ".".join(["a" * 60] * 5)),
    ],
)
def test_refuses_what_is_no_domain(origin: str, asked: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        rp_id_for(caller_of(origin, cross_origin=False), asked)
    assert (caught.value.name, caught.value.reason) == ("SecurityError", ClientReason.RP_ID_INVALID)
