"""The routes of the OpenID Provider. Who may use them, each decides for itself: an application has no session."""

from collections.abc import Mapping

from ostiary.identity.audit import Event
from ostiary.oidc.metadata import AUTHORIZE, KEYS, REVOKE, TOKEN
from ostiary.web.endpoint import Access, Face
from ostiary.web.oidc import authorize, documents, token

OIDC_ROUTES: Mapping[str, Mapping[str, Face]] = {
    "/.well-known/openid-configuration": {"GET": Face(documents.configuration, Access.ANYONE)},
    "/.well-known/oauth-authorization-server": {"GET": Face(documents.configuration, Access.ANYONE)},
    KEYS: {"GET": Face(documents.jwks, Access.ANYONE)},
    AUTHORIZE: {"GET": Face(authorize.begin, Access.ANYONE, Event.APP_CONNECT)},
    AUTHORIZE + "/{request}": {
        "GET": Face(authorize.ask, Access.ANYONE, Event.APP_CONNECT),
        "POST": Face(authorize.decide, Access.ANYONE, Event.APP_CONNECT),
    },
    TOKEN: {"POST": Face(token.token, Access.ANYONE, Event.APP_CONNECT)},
    REVOKE: {"POST": Face(token.revoke, Access.ANYONE, Event.APP_DISCONNECT)},
}
