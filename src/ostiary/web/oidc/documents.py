"""What the server publishes for programs: its metadata and the public halves of its keys."""

from starlette.responses import Response

from ostiary.oidc import keys
from ostiary.oidc.metadata import metadata
from ostiary.web.answers import answer_json
from ostiary.web.oidc.issuer import issuer_of
from ostiary.web.visit import Visit


async def configuration(visit: Visit) -> Response:
    """`GET /.well-known/openid-configuration`, and the same for those who know OAuth alone (RFC 8414)."""
    return answer_json(visit, metadata(issuer_of(visit.site).url))


async def jwks(visit: Visit) -> Response:
    """`GET /oauth2/v2.0/keys`"""
    found = await visit.read(keys.published_keys, now=visit.now)
    if not found.keys:  # nobody asked for a token yet
        await visit.write(keys.signing_key, visit.site.sealer, now=visit.now)
        found = await visit.read(keys.published_keys, now=visit.now)
    return answer_json(visit, found.as_dict(private=False))
