"""The databases tests run on: a template of each is made once, and every test gets a copy of its own."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from ostiary.identity import provider_names
from tests.organisation import Organisation, open_organisation, prepare
from tests.postgresql import Cluster, binaries, private_cluster

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

BOTH_DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@dataclass(frozen=True)
class Workplace:
    """A data directory and a database with Contoso in it; `url` is None for SQLite in the directory."""

    directory: Path
    url: str | None


@pytest.fixture(scope="session")
def playwright() -> "Iterator[Playwright]":
    """One for all tests of a process: its synchronous API cannot be begun twice."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: no initdb under /usr/lib/postgresql or in PATH")
    with private_cluster(programs) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("template")
    prepare(directory)
    return directory


@pytest.fixture(scope="session")
def postgresql_template(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("template-postgresql")
    prepare(directory, postgresql.create(name="contoso"))
    return directory


def copied(kind: str, directory: Path, request: pytest.FixtureRequest) -> Workplace:
    template: Path = request.getfixturevalue(f"{kind}_template")
    shutil.copytree(template, directory)
    if kind == "sqlite":
        return Workplace(directory, None)
    cluster: Cluster = request.getfixturevalue("postgresql")
    return Workplace(directory, cluster.create(template="contoso"))


@pytest.fixture
def org(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Organisation]:
    """Contoso on a running server, with SQLite."""
    workplace = copied("sqlite", tmp_path / "data", request)
    with open_organisation(workplace.directory) as made:
        yield made


@pytest.fixture(params=BOTH_DATABASES)
def workplace(tmp_path: Path, request: pytest.FixtureRequest) -> Workplace:
    """Contoso in each database, without a server."""
    return copied(request.param, tmp_path / "data", request)


@pytest.fixture
def org_on_each(workplace: Workplace) -> Iterator[Organisation]:
    """Contoso on a running server, with each database."""
    with open_organisation(workplace.directory, workplace.url) as made:
        yield made


@pytest.fixture(autouse=True)
def names_forgotten() -> Iterator[None]:
    """The names of providers that one test makes this process know, no other does."""
    yield
    provider_names._Known.imported = provider_names._Known.metadata = MappingProxyType({})
