"""What people who test their own sites get: the fixture, and the same behind a Playwright page."""

import subprocess
import sys
from pathlib import Path

import pytest
from fido2.ctap2.base import Ctap2

from ostiary.authenticator import Decision, Outcome
from ostiary.authenticator.client import ClientError
from ostiary.authenticator.hosts.testing import SoftwareAuthenticator
from tests.organisation import ORIGIN, Organisation


def test_registers_and_signs_in_at_a_server(org: Organisation, ostiary_authenticator: SoftwareAuthenticator) -> None:
    browser = org.signed_in()
    options = browser.send("/security-info/passkeys/options", {}).json()
    made = browser.send("/security-info/passkeys", ostiary_authenticator.register(options, origin=ORIGIN))
    assert made.status_code == 201, made.text
    (passkey,) = ostiary_authenticator.passkeys
    assert passkey.rp_id == options["rp"]["id"]
    other = org.browser()
    asked = other.send("/sign-in/passkey/options", {}).json()
    answer = other.send("/sign-in/passkey", ostiary_authenticator.sign_in(asked, origin=ORIGIN))
    assert answer.status_code == 200, answer.text


def test_refuses_a_second_passkey_as_a_browser_does(
    org: Organisation, ostiary_authenticator: SoftwareAuthenticator
) -> None:
    browser = org.signed_in()
    options = browser.send("/security-info/passkeys/options", {}).json()
    browser.send("/security-info/passkeys", ostiary_authenticator.register(options, origin=ORIGIN))
    again = browser.send("/security-info/passkeys/options", {}).json()
    with pytest.raises(ClientError) as refused:
        ostiary_authenticator.register(again, origin=ORIGIN)
    assert refused.value.name == "InvalidStateError"
    ostiary_authenticator.forget()
    ostiary_authenticator.register(again, origin=ORIGIN)


def test_the_person_may_decline(ostiary_authenticator: SoftwareAuthenticator) -> None:
    ostiary_authenticator.person.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    with pytest.raises(ClientError) as refused:
        ostiary_authenticator.sign_in({"challenge": "AAAA", "rpId": "contoso.example"}, origin=ORIGIN)
    assert refused.value.name == "NotAllowedError"


def test_speaks_ctap_to_those_who_do(ostiary_authenticator: SoftwareAuthenticator) -> None:
    assert Ctap2(ostiary_authenticator.device).info.options["rk"]


def test_is_there_for_every_project_and_costs_nothing_until_used(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import sys\n"
        "def test_nothing_is_loaded(): assert 'ostiary.authenticator' not in sys.modules\n"
        "def test_theirs(ostiary_authenticator): assert not ostiary_authenticator.passkeys\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
