"""Names people give, and usernames people type."""

import re
import unicodedata
from collections.abc import Collection, Iterable

from ostiary.identity.reasons import Reason, Refusal

MOST_CHARACTERS = 30
_REFUSED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ALLOWED_FORMAT = {"\u200c", "\u200d"}  # joiners that Persian, Indic scripts and emoji are written with
_INVISIBLE = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters and signs that show nothing
_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def parse_name(text: str) -> str:
    """A name of 1 to 30 characters in any script, white space folded, without control, direction-override or
    invisible characters. Raises `Refusal(NAME_INVALID)`."""
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" ")
    if not 1 <= len(name) <= MOST_CHARACTERS or any(_is_refused(character) for character in name):
        raise Refusal(Reason.NAME_INVALID, field="name")
    if not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        raise Refusal(Reason.NAME_INVALID, field="name")  # nothing one could see
    return name


def name_key(name: str) -> str:
    """What two names that look alike have in common."""
    seen = "".join(character for character in name if character not in _ALLOWED_FORMAT)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def suggest_name(parts: Iterable[str], taken_keys: Collection[str]) -> str:
    """A default name from provider, device and month: as many of the parts, in order of worth, as fit; numbered when
    taken. The last part (the month) goes before the others are shortened."""
    words = [part for part in parts if part]
    name = ", ".join(words)
    while len(name) > MOST_CHARACTERS and len(words) > 1:
        words.pop(-2 if len(words) > 2 else -1)
        name = ", ".join(words)
    name = _shorten(name, MOST_CHARACTERS)
    number, candidate = 2, name
    while name_key(candidate) in taken_keys:
        suffix = f" {number}"
        candidate = _shorten(name, MOST_CHARACTERS - len(suffix)) + suffix
        number += 1
    return candidate


def parse_username(text: str, *, primary_domain: str | None, domains: Collection[str]) -> str:
    """A username as compared: `local@domain`, lower case. Without a domain the primary one is meant.

    Raises `Refusal(USERNAME_INVALID)` or, for a domain that is not ours, `Refusal(DOMAIN_UNKNOWN)`.
    """
    username = unicodedata.normalize("NFKC", text).strip().lower()
    local, at, domain = username.rpartition("@")
    if not at:
        local, domain = username, primary_domain or ""
    if len(username) > 254 or not _LOCAL_PART.fullmatch(local) or any(_is_refused(c) for c in local):
        raise Refusal(Reason.USERNAME_INVALID, field="username")
    domain = _ascii(domain)
    if domain not in domains:
        raise Refusal(Reason.DOMAIN_UNKNOWN, field="username")
    return f"{local}@{domain}"


def parse_domain(text: str) -> str:
    """A domain name in its ASCII form, lower case. Raises `Refusal(DOMAIN_INVALID)`."""
    domain = _ascii(text.strip().rstrip("."))
    if not _DOMAIN.fullmatch(domain):
        raise Refusal(Reason.DOMAIN_INVALID, field="domain")
    return domain


def _ascii(domain: str) -> str:
    """The form in which domains are kept and compared; as it came when it has none, and so no domain of ours."""
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain


def _is_refused(character: str) -> bool:
    if character in _INVISIBLE:
        return True
    return unicodedata.category(character) in _REFUSED_CATEGORIES and character not in _ALLOWED_FORMAT


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip(" ,") + "…"
