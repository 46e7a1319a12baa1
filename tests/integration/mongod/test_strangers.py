"""Another local user cannot use the private server's files, process and port."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from hpsearch.errors import ConfigurationError
from hpsearch.mongod import private_mongod, status
from hpsearch.mongod.directory import Directory
from hpsearch.mongod.server import ensure_running, find_running, start_process, terminate

OTHER_USER = 65534
UNAUTHORIZED = 13

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user of the machine")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a server, in folders that all users may enter."""
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_uid == os.getuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o711)
    path = tmp_path / "private"
    yield path
    if path.exists():
        terminate(Directory(path))


def as_nobody(attempt: Callable[[], Any]) -> Any:
    """Call a function in a process of another user; return its result, or the class of its error."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(OTHER_USER, OTHER_USER, OTHER_USER)
            os.setresuid(OTHER_USER, OTHER_USER, OTHER_USER)
            try:
                answer = attempt()
            except (OSError, PyMongoError) as error:
                answer = type(error).__name__
            os.write(writer, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert answer, "the attempt ended without an answer"
    return json.loads(answer)


def attempts(port: int, **credentials: Any) -> dict[str, str]:
    """Return the result of each attempt of an intruder."""
    commands = {
        "read": ("test", {"find": "trials"}),
        "write": ("test", {"insert": "trials", "documents": [{"a": 1}]}),
        "list": ("admin", {"listDatabases": 1}),
        "stop": ("admin", {"shutdown": 1}),
        "reconfigure": ("admin", {"replSetInitiate": {}}),
        "become a user": ("admin", {"createUser": "eve", "pwd": "eve", "roles": ["root"]}),
    }
    return {name: outcome(port, *command, credentials) for name, command in commands.items()}


def outcome(port: int, database: str, command: dict[str, Any], credentials: dict[str, Any]) -> str:
    address = {"host": "127.0.0.1", "port": port, "directConnection": True}
    with MongoClient[dict[str, Any]](**address, **credentials, serverSelectionTimeoutMS=500) as intruder:
        try:
            intruder[database].command(command)
        except PyMongoError as error:
            # The driver reports a failed authentication like a server that is away.
            is_refused = getattr(error, "code", None) == UNAUTHORIZED or "Authentication failed" in str(error)
            return "refused" if is_refused else str(error)
    return "done"


def port_of(uri: str) -> int:
    port = urlsplit(uri).port
    assert port is not None
    return port


def test_another_user_can_neither_list_nor_open_its_files(folder: Path) -> None:
    with private_mongod(folder):
        files = [folder, *folder.rglob("*")]
        assert len(files) > 10

        def opened() -> list[str]:
            return [str(path) for path in files if is_opened(path)]

        assert as_nobody(opened) == []
        assert as_nobody(lambda: [str(path) for path in folder.iterdir()]) == "PermissionError"
        # A lock on one of its files is enough to prevent the server from starting.
        assert as_nobody(lambda: os.open(folder / "lock", os.O_RDWR | os.O_CREAT)) == "PermissionError"


def is_opened(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return False
    return True


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"username": "hpsearch", "password": "hpsearch"},
        {"username": "__system", "password": "guess", "authSource": "local"},
    ],
    ids=["no password", "a guess", "a guess at the key"],
)
def test_the_port_reveals_nothing_without_a_password(folder: Path, credentials: dict[str, str]) -> None:
    with private_mongod(folder) as server:
        outcomes = as_nobody(lambda: attempts(port_of(server.uri), **credentials))
    assert outcomes == dict.fromkeys(outcomes, "refused")
    assert len(outcomes) == 6


def test_another_user_cannot_create_the_administrator_first(folder: Path) -> None:
    """By default, MongoDB lets any local user create the first user."""
    directory = Directory.create(folder)
    with directory.locked():
        process = start_process(directory)
        outcomes = as_nobody(lambda: attempts(process.port))
        uri = ensure_running(directory)
    assert outcomes == dict.fromkeys(outcomes, "refused")
    with MongoClient[dict[str, Any]](uri) as owner:
        users = owner.admin.command("usersInfo")["users"]
    assert [user["user"] for user in users] == ["hpsearch"]


def test_its_process_reveals_no_secret_to_others_and_ignores_their_signals(folder: Path) -> None:
    with private_mongod(folder) as server:
        pid = status(folder).pid
        assert pid is not None
        password = urlsplit(server.uri).password
        key = (folder / "keyfile").read_text()

        command = as_nobody(lambda: Path(f"/proc/{pid}/cmdline").read_text())
        assert "--dbpath" in command
        assert password not in command
        assert key not in command
        assert as_nobody(lambda: Path(f"/proc/{pid}/environ").read_text()) == "PermissionError"
        assert as_nobody(lambda: os.kill(pid, signal.SIGTERM)) == "PermissionError"


def test_it_has_no_unix_socket_that_others_can_open(folder: Path) -> None:
    with private_mongod(folder) as server:
        listening = Path("/proc/net/unix").read_text()
        assert f"mongodb-{port_of(server.uri)}" not in listening


def test_a_process_of_another_user_is_not_mistaken_for_the_server(folder: Path) -> None:
    """It could listen on the port of a killed server, and receive the password."""
    directory = Directory.create(folder)
    arguments = ["sleep", "60", "--dbpath", str(directory.data), "--port", "1"]
    impostor = os.fork()
    if impostor == 0:
        os.setresuid(OTHER_USER, OTHER_USER, OTHER_USER)
        os.execvp("sh", ["sh", "-c", "read _ || sleep 60", *arguments])
    try:
        while "--dbpath" not in Path(f"/proc/{impostor}/cmdline").read_text():
            pass
        (directory.data / "mongod.lock").write_text(f"{impostor}\n")
        assert find_running(directory) is None
    finally:
        os.kill(impostor, signal.SIGKILL)
        os.waitpid(impostor, 0)


def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, OTHER_USER, OTHER_USER)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        private_mongod(folder)


def test_a_link_in_place_of_the_folder_does_not_change_its_target(folder: Path, tmp_path: Path) -> None:
    (victim := tmp_path / "victim").mkdir(mode=0o755)
    folder.symlink_to(victim)

    with pytest.raises(ConfigurationError, match="symbolic link"):
        private_mongod(folder)

    assert victim.stat().st_mode & 0o777 == 0o755
    assert list(victim.iterdir()) == []
    folder.unlink()


def test_data_behind_a_link_are_refused(folder: Path, tmp_path: Path) -> None:
    (victim := tmp_path / "victim").mkdir(mode=0o755)
    Directory.create(folder).data.rmdir()
    (folder / "data").symlink_to(victim)

    with pytest.raises(ConfigurationError, match="symbolic link"):
        private_mongod(folder)

    assert victim.stat().st_mode & 0o777 == 0o755
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize(("mode", "words"), [(0o755, "chmod 700"), (0o700, "did not make")])
def test_a_folder_with_other_content_is_unchanged(folder: Path, mode: int, words: str) -> None:
    folder.mkdir(mode=mode)
    (folder / "thesis.tex").touch()

    with pytest.raises(ConfigurationError, match=words):
        private_mongod(folder)

    assert folder.stat().st_mode & 0o777 == mode
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
