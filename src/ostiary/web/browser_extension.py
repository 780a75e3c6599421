"""`/authenticator/extension`: from where an organisation's managed browsers install and update our extension.

Open to anyone: browsers ask without anybody signed in, and there is no secret in it.
"""

import asyncio
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from starlette.responses import Response

from ostiary.web.answers import answer_json
from ostiary.web.extension_package import Package
from ostiary.web.visit import Visit

UPDATES_PATH: Final = "/authenticator/extension/update.xml"
PACKAGE_PATH: Final = "/authenticator/extension/ostiary.crx"
POLICY_PATH: Final = "/authenticator/extension/policy.json"
_ASK_FIRST: Final = {"cache-control": "no-cache"}


def update_url(public_url: str) -> str:
    return f"{public_url}{UPDATES_PATH}"


async def show(visit: Visit) -> Response:
    """`GET /authenticator/extension`: what an administrator needs to know, for people and for scripts."""
    package = await _package(visit)
    facts: dict[str, Any] = {
        "id": package.id,
        "version": package.version,
        "updateUrl": update_url(_public_url(visit)),
        "packageUrl": f"{_public_url(visit)}{PACKAGE_PATH}",
        "policyUrl": f"{_public_url(visit)}{POLICY_PATH}",
        "policy": _policy(visit, package),
        "command": f"ostiary authenticator install-browser --system --extension-id {package.id}",
    }
    return answer_json(visit, facts)


async def policy(visit: Visit) -> Response:
    """`GET .../policy.json`: the file for `/etc/chromium/policies/managed/` and its like, as it is."""
    return answer_json(visit, _policy(visit, await _package(visit)))


async def updates(visit: Visit) -> Response:
    """`GET .../update.xml`: the answer browsers' updater expects (developer.chrome.com, "Linux hosting")."""
    package = await _package(visit)
    codebase = quoteattr(f"{_public_url(visit)}{PACKAGE_PATH}")
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gupdate xmlns="http://www.google.com/update2/response" protocol="2.0">\n'
        f'  <app appid="{package.id}">\n'
        f'    <updatecheck codebase={codebase} version="{package.version}" />\n'
        "  </app>\n"
        "</gupdate>\n"
    )
    return Response(document, media_type="text/xml", headers=_ASK_FIRST)


async def package(visit: Visit) -> Response:
    """`GET .../ostiary.crx`."""
    packed = await _package(visit)
    return Response(packed.crx, media_type="application/x-chrome-extension", headers=_ASK_FIRST)


def _policy(visit: Visit, package: Package) -> dict[str, Any]:
    """Chrome Enterprise policies. The second lets our host work where others' are blocked."""
    return {
        "ExtensionInstallForcelist": [f"{package.id};{update_url(_public_url(visit))}"],
        "NativeMessagingAllowlist": ["org.ostiary.authenticator"],
    }


def _public_url(visit: Visit) -> str:
    return visit.site.relying_party.origins[0]


async def _package(visit: Visit) -> Package:
    """Beside everything else: its first use makes a key."""
    return await asyncio.get_running_loop().run_in_executor(visit.site.hashing, visit.site.extension.get)
