"""Names people give and usernames people type."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.identity.names import (
    MOST_CHARACTERS,
    name_key,
    parse_domain,
    parse_name,
    parse_username,
    suggest_name,
)
from ostiary.identity.reasons import Reason, Refusal

DOMAINS = ("contoso.example", "xn--bcher-kva.example")


def _name(text: str) -> str | None:
    try:
        return parse_name(text)
    except Refusal as refusal:
        assert (refusal.reason, refusal.field) == (Reason.NAME_INVALID, "name")
        return None


def _username(text: str) -> str | None:
    try:
        return parse_username(text, primary_domain=DOMAINS[0], domains=DOMAINS)
    except Refusal as refusal:
        assert refusal.reason in (Reason.USERNAME_INVALID, Reason.DOMAIN_UNKNOWN)
        return None


@given(st.text(max_size=40))
@example("می\u200cخواهم")
@example("a\u202eb")
def test_a_name_is_short_visible_and_stable(text: str) -> None:
    name = _name(text)
    if name is None:
        return
    assert 1 <= len(name) <= MOST_CHARACTERS
    assert name == name.strip()
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(one) for one in name} & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not set(name) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff\u200b")
    assert _name(name) == name


@given(
    st.text(alphabet=st.characters(categories=["L", "N"], exclude_characters="\u115f\u1160\u3164\uffa0"), min_size=1)
)
def test_letters_and_digits_of_every_script_are_a_name(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    assert _name(text) == (normal if len(normal) <= MOST_CHARACTERS else None)


@given(st.text(alphabet=st.characters(categories=["L"]), min_size=1, max_size=20))
def test_width_does_not_make_another_name(text: str) -> None:
    assert name_key(unicodedata.normalize("NFKC", text)) == name_key(text)


@given(st.text(alphabet="abcxyzäöüßéñ", min_size=1, max_size=20))
def test_case_does_not_make_another_name(text: str) -> None:
    assert name_key(text.upper()) == name_key(text) == name_key(text.title())


@pytest.mark.parametrize(
    ("one", "other"),
    [("Laptop", "Ｌａｐｔｏｐ"), ("fish", "ﬁsh"), ("Straße", "STRASSE"), ("ada", "ad\u200da"), ("Café", "Cafe\u0301")],
)
def test_names_that_look_alike_are_one(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("ada", "adá"), ("laptop", "laptop 2"), ("мой", "мои")])
def test_names_that_differ_are_two(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


# --- names we suggest


@given(st.lists(st.text(alphabet="abcdefgh ,", max_size=40), min_size=1, max_size=4).filter(any), st.integers(0, 12))
def test_a_suggestion_fits_and_is_free(parts: list[str], taken: int) -> None:
    keys: set[str] = set()
    for _ in range(taken + 1):
        name = suggest_name(parts, keys)
        assert 0 < len(name) <= MOST_CHARACTERS
        assert name_key(name) not in keys
        keys.add(name_key(name))


@pytest.mark.parametrize(
    ("parts", "taken", "name"),
    [
        (("Windows Hello", "Nov 2026"), (), "Windows Hello, Nov 2026"),
        (("Windows Hello", "Windows", "Nov 2026"), (), "Windows Hello, Nov 2026"),
        (("Passkey", "Windows", "Nov 2026"), (), "Passkey, Windows, Nov 2026"),
        (("Passkey", "", "Nov 2026"), (), "Passkey, Nov 2026"),
        (("Phone",), ("PHONE",), "Phone 2"),
        (("Phone",), ("phone", "phone 2", "phone 3"), "Phone 4"),
        (("A provider whose name is far too long",), (), "A provider whose name is far…"),
        (("A provider of thirty letters!!",), ("a provider of thirty letters!!",), "A provider of thirty letter… 2"),
    ],
)
def test_a_suggestion_says_as_much_as_fits(parts: tuple[str, ...], taken: tuple[str, ...], name: str) -> None:
    assert suggest_name(parts, {name_key(one) for one in taken}) == name


# --- usernames


@given(st.text(max_size=80))
@example("ada@contoso.example")
def test_a_username_is_compared_in_one_form(text: str) -> None:
    username = _username(text)
    if username is None:
        return
    assert username == username.lower()
    assert username.count("@") == 1
    assert username.rpartition("@")[2] in DOMAINS
    assert len(username) <= 64 + 1 + max(map(len, DOMAINS))
    assert username.isprintable()
    assert _username(username) == username


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ada", "ada@contoso.example"),
        (" Ada@CONTOSO.example\t", "ada@contoso.example"),
        ("ada.b+c_d-e'f", "ada.b+c_d-e'f@contoso.example"),
        ("ａｄａ＠contoso.example", "ada@contoso.example"),
        ("zoë", "zoë@contoso.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_reads_a_username(typed: str, meant: str) -> None:
    assert _username(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "@", "@contoso.example", "a b", "a@b@contoso.example", "a" * 65, "a\x00", "a\u200bb"]
)
def test_refuses_a_username(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_username(typed, primary_domain=DOMAINS[0], domains=DOMAINS)
    assert refused.value.reason is Reason.USERNAME_INVALID


@pytest.mark.parametrize("typed", ["ada@fabrikam.example", "ada@", "ada@sub.contoso.example", "ada@contoso.example."])
def test_refuses_a_domain_of_somebody_else(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_username(typed, primary_domain=DOMAINS[0], domains=DOMAINS)
    assert refused.value.reason is Reason.DOMAIN_UNKNOWN


# --- domains


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("Contoso.Example", "contoso.example"),
        (" contoso.example. ", "contoso.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a.b.c.example", "a.b.c.example"),
    ],
)
def test_reads_a_domain(typed: str, domain: str) -> None:
    assert parse_domain(typed) == domain


@pytest.mark.parametrize(
    "typed",
    ["", ".", "localhost", "contoso", "-a.example", "a-.example", "a..example", "a b.example", "a.example/x",
     "https://a.example", "192.0.2.1", "a_b.example", "x" * 64 + ".example", ("x" * 60 + ".") * 5 + "example"],
)  # fmt: skip
def test_refuses_a_domain(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_domain(typed)
    assert refused.value.reason is Reason.DOMAIN_INVALID
