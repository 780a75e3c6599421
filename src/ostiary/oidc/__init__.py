"""The OpenID Provider: authorization requests, grants, tokens, claims and keys. Its faces are `web.oidc`."""
