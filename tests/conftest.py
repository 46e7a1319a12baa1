"""What tests of all tiers share: a MongoDB server, a database of one's own, the Mongo shell."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.databases import Databases

pytest_plugins = ["tests.support.cpu_limits", "tests.support.scheduling", "tests.support.shared_server"]

REPOSITORY = Path(__file__).parents[1]

# How long an example takes says more about the machine than about the code.
settings.register_profile("short", max_examples=15, deadline=None, derandomize=True)
settings.register_profile("all", max_examples=100, deadline=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None)  # of scripts/fuzz.py


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of ``scripts/test --all``."""
    parser.addoption("--all", action="store_true", help="add the long tests and more examples")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples hypothesis tries; ``--hypothesis-profile`` overrides it."""
    settings.load_profile("all" if config.getoption("--all") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``long``, except with ``--all`` and in files that the command line names."""
    named = {Path(argument.partition("::")[0]).name for argument in config.args}
    if config.getoption("--all"):
        return
    left_out = [item for item in items if item.get_closest_marker("long") and item.path.name not in named]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of the run's own for logs and private servers, so that no test touches the user's."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HPSEARCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def new_database() -> str:
    """Name of a database that does not exist."""
    return f"test_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def databases(mongo_uri: str) -> Iterator[Databases]:
    """The prepared databases of the shared server."""
    lent = Databases(mongo_uri)
    yield lent
    lent.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """Name of a prepared, empty database of the shared server, which no other test uses at the same time."""
    with databases.lend() as name:
        yield name


@pytest.fixture(scope="session")
def mongosh() -> Path:
    """The Mongo shell that ``scripts/test`` installs, else the one on PATH."""
    candidates = (
        REPOSITORY / ".venv" / "mongosh" / "mongosh",
        shutil.which("mongosh"),
    )
    for path in candidates:
        if path and Path(path).exists():
            return Path(path)
    if os.environ.get("CI"):
        pytest.fail("there is no mongosh: install npm, then run scripts/mongosh")
    pytest.skip("there is no mongosh: install npm, then run scripts/mongosh")
