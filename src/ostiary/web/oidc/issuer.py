"""Who this server is, to applications. From settings, never from the request."""

from ostiary.oidc.tokens import Issuer
from ostiary.web.site import Site


def issuer_of(site: Site) -> Issuer:
    return Issuer(site.relying_party.origins[0], site.sealer)
