"""Who asks, and which relying party it may speak for (WebAuthn L3 §5.1.3, steps 6 to 9; §13.4.9).

The browser has asked itself the same before it came to us. We ask again: on this answer rests that a passkey works
nowhere but where it was made.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from fido2.rpid import verify_rp_id

from ostiary.authenticator.client.errors import ClientReason, security

_LONGEST_DOMAIN = 253
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


@dataclass(frozen=True, slots=True)
class Caller:
    """The page that asks, as the browser names it; never as the page does."""

    origin: str
    cross_origin: bool = False
    top_origin: str | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""


def caller_of(origin: object, *, cross_origin: bool, top_origin: object = None) -> Caller:
    """Raises `ClientError` (SecurityError) for anything but a secure origin, spelled as browsers do (RFC 6454 §6.2)."""
    if not isinstance(origin, str) or not _is_spelled_as_origin(origin):
        raise security(ClientReason.CALLER_UNKNOWN, "The browser did not say which page asks.")
    if top_origin is not None and not (isinstance(top_origin, str) and _is_spelled_as_origin(top_origin)):
        raise security(ClientReason.CALLER_UNKNOWN, "The browser did not say which page is around it.")
    parts = urlsplit(origin)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(parts.hostname or "")):
        raise security(ClientReason.ORIGIN_INSECURE, "Passkeys need https, except on localhost.")
    return Caller(origin, cross_origin, top_origin)


def rp_id_for(caller: Caller, asked: str | None) -> str:
    """The relying party's identifier: the caller's own host, or a registrable parent domain of it."""
    host = caller.host
    if not _is_domain(host):
        raise security(ClientReason.RP_ID_INVALID, "This is an invalid domain.")
    rp_id = host if asked is None else asked
    if not _is_domain(rp_id):
        raise security(ClientReason.RP_ID_INVALID, "The relying party ID is not a domain.")
    # "localhost" above another host would be a parent for every program on this computer, as a public suffix is
    is_shared = rp_id == "localhost" and host != rp_id
    shown = f"{urlsplit(caller.origin).scheme}://{_unicode(host)}"
    if is_shared or not (verify_rp_id(rp_id, caller.origin) and verify_rp_id(_unicode(rp_id), shown)):
        raise security(
            ClientReason.RP_ID_MISMATCH,
            "The relying party ID is not a registrable domain suffix of, nor equal to the current domain.",
        )
    return rp_id


def _is_spelled_as_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    is_default = port == {"https": 443, "http": 80}.get(parts.scheme)
    spelled = f"{parts.scheme}://{shown}" + ("" if port is None or is_default else f":{port}")
    return bool(_HOST.fullmatch(host)) and text == spelled


def _unicode(name: str) -> str:
    """The public suffix list spells domains as people read them, origins spell them in ASCII (RFC 5891)."""
    return ".".join(_unicode_label(label) for label in name.split("."))


def _unicode_label(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _is_domain(text: str) -> bool:
    """A name in the DNS with two labels or more, or localhost; no address. Names of one label mean another machine in
    another network, and so does no passkey belong to them."""
    if len(text) > _LONGEST_DOMAIN or not _DOMAIN.fullmatch(text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return text == "localhost" or ("." in text and not text.rpartition(".")[2].isdigit())
    return False
