"""A server on localhost that is visited by its number: browsers make no passkeys for numbers."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ostiary.settings import Settings
from ostiary.storage.database import Database
from ostiary.storage.migrate import migrate
from ostiary.web.application import build_application, build_site

PAGE = {"accept": "text/html"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    settings = Settings(data=tmp_path, public_url="http://localhost:8000")
    database = Database(settings.database)
    migrate(database)
    return TestClient(build_application(build_site(settings, database)), base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000"])
def test_a_page_asked_for_by_number_is_found_by_name(client: TestClient, host: str) -> None:
    answer = client.get("/sign-in?next=/x", headers={**PAGE, "host": host}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://localhost:8000/sign-in?next=/x")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:9000", "contoso.example"])
def test_other_names_are_answered_as_they_are(client: TestClient, host: str) -> None:
    assert client.get("/sign-in", headers={**PAGE, "host": host}, follow_redirects=False).status_code == 200


def test_programs_are_answered_by_number(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"


def test_refuses_a_static_file_there_is_not_like_any_other_page(client: TestClient) -> None:
    problem = client.get("/static/nothing.css")
    assert (problem.status_code, problem.json()["code"]) == (404, "page_unknown")
    page = client.get("/static/nothing.css", headers={**PAGE, "host": "localhost:8000"})
    assert (page.status_code, "There is no such page" in page.text) == (404, True)
