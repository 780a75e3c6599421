"""What the app loads before its first page: not what only later ones need. Its seconds and megabytes are measured by
`bench.authenticator_app`; this says why they are few."""

import subprocess
import sys
from pathlib import Path

LATER = [
    "bleak",
    "cryptography.x509",
    "fido2.rpid",  # the list of every public suffix
    "fido2.webauthn",
    "http.server",
    "httpx2",
    "joserfc",
    "ostiary.authenticator.app.nearby",
    "ostiary.authenticator.app.setup",
    "ostiary.authenticator.client.ceremonies",
    "rich",
    "segno",
    "websockets",
    "zxingcpp",
]
SCRIPT = """
import sys
from pathlib import Path
import ostiary.cli.authenticator
from ostiary.authenticator.app import runner
from ostiary.authenticator.app.agent import Agent
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.web.application import build_application
service = AuthenticatorService.open(Path(sys.argv[1]))
build_application(service, token="token", port=1)
Agent(service, Path(sys.argv[1]))
service.state(), service.accounts(), service.passkeys()
service.close()
print(*sys.modules)
"""


def test_loads_nothing_that_the_first_page_does_not_need(directory: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(directory)], capture_output=True, text=True, timeout=60, check=True
    )
    assert set(ran.stdout.split()).intersection(LATER) == set()
