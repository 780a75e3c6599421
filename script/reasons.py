"""Writes docs/reasons.md: every reason a person can meet, with its words. `python script/reasons.py`"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ostiary.identity.reasons import Reason
from ostiary.passkeys import CeremonyReason
from ostiary.web.refusals import RequestReason
from ostiary.web.wording import CLIENT_WORDING, WORDING, Wording

PAGE: Final = Path(__file__).parent.parent / "docs" / "reasons.md"

CAUSES: Final[Mapping[str, tuple[str, ...]]] = {
    # what people meet elsewhere, and the reasons it is told apart into here
    "The passkey is registered already": (Reason.PASSKEY_EXISTS, "create_exists"),
    "The device could not be verified": (
        CeremonyReason.USER_VERIFICATION_MISSING,
        CeremonyReason.ATTESTATION_INVALID,
        CeremonyReason.ATTESTATION_CERTIFICATE_INVALID,
        Reason.ATTESTATION_REQUIRED,
    ),
    "The sign-in method is not supported here": (
        Reason.METHOD_DISABLED,
        Reason.METHOD_EXCLUDED,
        Reason.METHOD_NOT_TARGETED,
        Reason.PROFILE_ALLOWS_NOTHING,
    ),
    "The choice is not offered": (Reason.SELF_SERVICE_OFF, Reason.PASSKEY_LIMIT, Reason.METHOD_NOT_OFFERED),
    "The provider is not accepted": (
        Reason.AAGUID_NOT_ALLOWED,
        Reason.AUTHENTICATOR_COMPROMISED,
        Reason.AUTHENTICATOR_REVOKED,
    ),
    "Attestation is missing, or of a maker nobody vouches for": (
        Reason.ATTESTATION_REQUIRED,
        CeremonyReason.ATTESTATION_UNTRUSTED,
    ),
    "A synced passkey, or one that is not": (Reason.SYNCED_NOT_ALLOWED, Reason.DEVICE_BOUND_NOT_ALLOWED),
    "The passkey was removed from the account, but not from the device": (Reason.CREDENTIAL_UNKNOWN,),
    "The passkey was removed from the device, but not from the account": ("get_none_here",),
    "The provider was taken off the list later": (Reason.AAGUID_NOT_ALLOWED,),
    "No two factors yet": (Reason.SECOND_FACTOR_REQUIRED,),
    "The proof is too old": (Reason.FRESH_MFA_REQUIRED,),
    "The page was open too long, or in two windows": (
        Reason.CHALLENGE_EXPIRED,
        Reason.CHALLENGE_UNKNOWN,
        Reason.CHALLENGE_FOREIGN,
    ),
    "The address is not the one passkeys are for": (
        CeremonyReason.ORIGIN_MISMATCH,
        CeremonyReason.RP_ID_MISMATCH,
        "insecure_address",
    ),
    "The Temporary Access Pass is of no use": (
        Reason.PASS_WRONG,
        Reason.PASS_EXPIRED,
        Reason.PASS_NOT_YET_VALID,
        Reason.PASS_USED,
        Reason.PASS_DISABLED,
        Reason.PASS_REGISTRATION_OVER,
    ),
    "Nothing is left to sign in with": (Reason.NO_METHOD_LEFT, Reason.ACCOUNT_DISABLED),
}


def page() -> str:
    lines = [
        "# Every reason, and its words",
        "",
        "Written by `python script/reasons.py` from the wording itself; a test holds them together. `/help/{code}`",
        "shows the same on the server, in the reader's language, and explains a reference code (`P-7K3Q-2M`) by its",
        "reason. Refusals that know names (of a provider, of a profile) say them instead of the general words here.",
        "",
        "## By what went wrong",
        "",
        "| what people meet | reasons |",
        "|---|---|",
    ]
    lines += [f"| {cause} | {', '.join(f'`{code}`' for code in codes)} |" for cause, codes in CAUSES.items()]
    parts: tuple[tuple[str, Mapping[str, Wording]], ...] = (
        ("Of requests", {code: WORDING[code] for code in RequestReason}),
        ("Of ceremonies", {code: WORDING[code] for code in CeremonyReason}),
        ("Of sign-in, Security info, policy and administration", {code: WORDING[code] for code in Reason}),
        ("Noticed by the browser", CLIENT_WORDING),
    )
    for title, words in parts:
        lines += ["", f"## {title}", "", "| code | status | what is said | what to do |", "|---|---|---|---|"]
        lines += [f"| `{code}` | {one.status} | {one.title} | {one.next} |" for code, one in words.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(WORDING) + len(CLIENT_WORDING)} reasons", file=sys.stderr)
