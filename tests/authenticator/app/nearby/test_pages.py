"""The pages for other computers, over HTTP: scanning, the stages, the computers that are remembered, and from whom a
code is taken."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

import ostiary
from ostiary.authenticator.app import operations
from ostiary.authenticator.app.nearby_views import NearbyResult, NearbyStage
from ostiary.hybrid.client import QrOffer
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.tunnel.client import Places
from tests.authenticator.app.conftest import until
from tests.authenticator.app.web.running import PIN, Reader, RunningApp
from tests.authenticator.app.web.test_codes import picture
from tests.hybrid.bluez import FakeBluez

from .conftest import DOMAIN, ORIGIN, RP_ID, Computer, keep_account, over, register


@pytest.fixture
def running(places: Places) -> Iterator[RunningApp]:
    with RunningApp() as running:
        running.service.nearby._places = places
        keep_account(running.keys, tunnel_domain=DOMAIN)
        yield running


@pytest.fixture
def reader(running: RunningApp) -> Iterator[Reader]:
    with running.client() as client:
        yield Reader(running, client)


def fresh_code() -> str:
    return QrOffer.new(made_at=int(time.time())).text


def post_picture(reader: Reader, *texts: str, frame: bool = False) -> httpx.Response:
    pixels, width, height = picture(*texts) if texts else (b"\xff" * 10_000, 100, 100)
    return reader.client.post(
        f"{reader.root}/nearby/picture",
        params={"width": str(width), "height": str(height), **({"frame": "1"} if frame else {})},
        content=pixels,
        headers={"origin": reader.app.origin, "sec-fetch-site": "same-origin"},
    )


def test_a_pasted_code_leads_to_the_question_and_the_end(
    running: RunningApp, reader: Reader, bluez: FakeBluez, places: Places
) -> None:
    def paste(text: str) -> None:
        assert reader.goes_to(reader.post("/nearby/scan", text=f"  {text}\n")) == "/nearby"

    device = HybridDevice.by_qr(paste, places=places)
    computer = Computer(lambda: register(device))
    prompt = until(running.service.prompt)
    page = reader.get("/nearby").text
    assert "Answering another computer" in page and "Answer the question that appears here." in page
    assert 'data-topics="state nearby"' in page and "data-live" in page
    sheet = reader.get("/sheet", **{"x-sheet": "app"}).text
    assert "Another computer nearby asks for this" in sheet and RP_ID in sheet and "ada@contoso.example" in sheet
    reader.post(f"/prompt/{prompt.id}", pin=PIN, answer="approve")
    assert not isinstance(computer.answer(), Exception)
    device.close()
    assert over(running.service).result is NearbyResult.REGISTERED
    assert "The passkey is saved here" in reader.get("/nearby").text


def test_frames_without_a_code_are_nothing_to_tell(running: RunningApp, reader: Reader) -> None:
    assert post_picture(reader, frame=True).status_code == 204
    answer = post_picture(reader)
    assert answer.status_code == 422 and "no QR code" in answer.json()["title"] and answer.json()["next"]
    assert running.service.nearby.view() is None


def test_a_frame_with_a_code_goes_on(running: RunningApp, reader: Reader, bluez: FakeBluez) -> None:
    text = fresh_code()
    assert post_picture(reader, text, frame=True).json() == {"to": f"{reader.root}/nearby"}
    assert post_picture(reader, text, frame=True).json() == {"to": f"{reader.root}/nearby"}  # and once more
    assert reader.goes_to(reader.post("/nearby/scan", text=fresh_code())) == "/nearby"  # one at a time
    until(lambda: _stage(running) is NearbyStage.ADVERTISING)
    assert reader.goes_to(reader.post("/nearby/cancel")) == "/nearby"
    over(running.service)
    page = reader.get("/nearby").text
    assert "was not signed in" in page and "This was cancelled" in page and "Scan again" in page


def _stage(running: RunningApp) -> NearbyStage | None:
    view = running.service.nearby.view()
    return view.stage if view else None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://contoso.example", "not the code of a sign-in on another computer"),
        ("FIDO:/12345", "missing or wrong"),
        (QrOffer.new(made_at=1).text, "too old"),
    ],
)
def test_refuses_other_text_under_its_field(reader: Reader, text: str, words: str) -> None:
    answer = reader.post("/nearby/scan", text=text)
    assert answer.status_code == 422 and words in answer.text and 'id="text-problem"' in answer.text
    told = post_picture(reader, text).json()
    assert words in told["title"] and told["next"]


def test_only_the_page_that_scans_may_use_the_camera(reader: Reader) -> None:
    assert reader.get("/nearby/scan").headers["permissions-policy"].startswith("camera=(self), display-capture=(self)")
    for path in ("/nearby", "/accounts", "/settings"):
        assert reader.get(path).headers["permissions-policy"].startswith("camera=(), display-capture=()")


def test_never_from_a_link(running: RunningApp, reader: Reader) -> None:
    """CVE-2024-9956: a page that sends the person to a code must come to nothing, whatever it sends them by."""
    text = fresh_code()
    client, root, own = reader.client, reader.root, running.origin
    # an address with a code in it: on every page there is, by every way of getting there
    for site in ("none", "same-origin", "same-site", "cross-site"):
        for path in ("/nearby/scan", "/nearby", "/accounts", "/nearby/cancel", "/nearby/picture"):
            client.get(root + path, params={"text": text}, headers={"sec-fetch-site": site})
    client.get("/", params={"token": "x", "text": text})
    client.get(f"/{text}")
    # a form or a script of another site, of another port of this machine, or of nobody
    for origin, site in (
        (ORIGIN, "cross-site"),
        ("http://127.0.0.1:1", "same-site"),
        ("null", "cross-site"),
        (own, "cross-site"),
        (None, "none"),
    ):
        headers = {"sec-fetch-site": site, **({"origin": origin} if origin else {})}
        assert client.post(f"{root}/nearby/scan", data={"text": text}, headers=headers).status_code == 403
        assert client.post(f"{root}/nearby/picture", content=b"", headers=headers).status_code == 403
    # a form of ours, without our cookie
    with running.client() as stranger:
        headers = {"sec-fetch-site": "same-origin", "origin": own}
        assert stranger.post(f"{root}/nearby/scan", data={"text": text}, headers=headers).status_code == 403
    assert running.service.nearby.view() is None
    # nothing of ours asks the system or a browser to be sent such addresses
    package = Path(ostiary.__file__).parent
    for file in package.rglob("*"):
        if file.suffix in (".py", ".js", ".json", ".html", ".desktop", ".toml"):
            source = file.read_text().lower()
            assert "registerprotocolhandler" not in source and "x-scheme-handler" not in source, file
            assert "protocol_handlers" not in source, file
    assert {op for op in operations.OPERATIONS if op.startswith("nearby")} == {
        "nearby.scan",
        "nearby.computers",
        "nearby.rename",
        "nearby.remove",
    }


def test_the_way_there(reader: Reader) -> None:
    for path in ("/accounts", "/accounts/add"):
        assert f'href="{reader.root}/nearby/scan"' in reader.get(path).text
    assert f'href="{reader.root}/settings/computers"' in reader.get("/settings").text
    assert "No other computer is being answered." in reader.get("/nearby").text


def test_computers_are_named_and_removed(running: RunningApp, reader: Reader) -> None:
    computers = running.service.nearby.computers
    assert "None yet" in reader.get("/settings/computers").text
    identity = computers.offer(bytes(3), domain=DOMAIN, name="x")
    assert identity is not None
    computers.keep(identity, domain=DOMAIN, rp_id=RP_ID)
    path = f"/settings/computers/{identity.link_id.hex()}"
    assert f"Computer signed in to {RP_ID}" in reader.get("/settings/computers").text
    wrong = reader.post(path, name=" ")
    assert wrong.status_code == 422 and 'id="name-problem"' in wrong.text
    assert reader.goes_to(reader.post(path, name="<The lab>")) == "/settings/computers"
    assert "&lt;The lab&gt;" in reader.get(path).text
    assert "no longer ring" in reader.get(f"{path}/remove").text and computers.views()
    assert reader.goes_to(reader.post(f"{path}/remove")) == "/settings/computers"
    assert computers.views() == ()
    for gone in (path, f"{path}/remove"):
        assert reader.get(gone).status_code == 404
    assert reader.post(path, name="x").status_code == 404 and reader.post(f"{path}/remove").status_code == 404


def test_locked_meanwhile_leads_to_the_lock(running: RunningApp, reader: Reader) -> None:
    running.service.lock()
    assert reader.goes_to(reader.post("/nearby/scan", text=fresh_code())).startswith("/unlock")
    assert running.service.nearby.view() is None
