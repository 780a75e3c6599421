"""The faces of the OpenID Provider: `/oauth2/v2.0/...` and its documents."""
