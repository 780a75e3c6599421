"""What programs are told about the server (OpenID Connect Discovery §3, RFC 8414 §2)."""

from typing import Final

from ostiary.oidc import keys
from ostiary.oidc.claims import ACR_VALUES
from ostiary.oidc.requests import Prompt
from ostiary.oidc.scopes import Scope

AUTHORIZE: Final = "/oauth2/v2.0/authorize"
TOKEN: Final = "/oauth2/v2.0/token"
REVOKE: Final = "/oauth2/v2.0/revoke"
KEYS: Final = "/oauth2/v2.0/keys"


def metadata(issuer: str) -> dict[str, object]:
    """Only what is so: what is not listed is refused."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "revocation_endpoint": issuer + REVOKE,
        "jwks_uri": issuer + KEYS,
        "scopes_supported": list(Scope),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(Prompt),
        "acr_values_supported": list(ACR_VALUES),
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "amr",
            "acr",
            "sid",
            "at_hash",
            "name",
            "preferred_username",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }
