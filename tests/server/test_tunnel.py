"""The tunnel service inside the identity server, and alone by its command."""

import asyncio
import os
import secrets
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from ostiary.settings import Settings
from tests.served import served_organisation

HYBRID = [Subprotocol("fido.cable")]


async def join_two(url: str, routing: str = "") -> None:
    tunnel = secrets.token_hex(16)
    async with connect(f"{url}/cable/new/{tunnel}", subprotocols=HYBRID) as phone:
        assert phone.response is not None
        routing = phone.response.headers["X-caBLE-Routing-ID"]
        async with connect(f"{url}/cable/connect/{routing}/{tunnel}", subprotocols=HYBRID) as computer:
            await computer.send(b"hello")
            assert await phone.recv() == b"hello"


def test_joins_two_peers_inside_the_server(tmp_path: Path) -> None:
    with served_organisation(tmp_path) as organisation:
        organisation.start(tunnel_domain="266")
        asyncio.run(join_two(f"ws://127.0.0.1:{organisation.port}"))
        with urllib.request.urlopen(f"http://127.0.0.1:{organisation.port}/metrics") as answer:
            assert b"ostiary_tunnel_joined_total 1" in answer.read()


def test_is_not_there_unless_a_domain_leads_to_it(tmp_path: Path) -> None:
    async def refused(port: int) -> int:
        with pytest.raises(InvalidStatus) as answer:
            await connect(f"ws://127.0.0.1:{port}/cable/new/{'0' * 32}", subprotocols=HYBRID)
        return answer.value.response.status_code

    with served_organisation(tmp_path) as organisation:
        organisation.start()
        assert asyncio.run(refused(organisation.port)) == 403


def test_refuses_a_domain_that_is_not_an_organisations(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("1", "255", "65536", "-1", "cable.example"):
        monkeypatch.setenv("OSTIARY_TUNNEL_DOMAIN", wrong)
        with pytest.raises(ValidationError):
            Settings()


def test_runs_alone() -> None:
    command = [str(Path(sys.executable).with_name("ostiary")), "tunnel", "--port", "0", "--routing-id", "0a1b2c"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert "routing 0a1b2c" in told
        url = told.split(" on ")[1].split(",")[0]
        asyncio.run(join_two(url))
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--routing-id", "xyz"], "six hexadecimal digits"),
        (["--certificate", "/none.pem"], "does not hold a certificate"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], said: str) -> None:
    command = [str(Path(sys.executable).with_name("ostiary")), "tunnel", "--port", "0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and said in done.stderr


def test_the_command_lists_names_to_register() -> None:
    command = [str(Path(sys.executable).with_name("ostiary")), "tunnel", "--domains"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert len(lines) == 65_280 and "266\tcable.wufkweyy3uaxb.com" in lines
