"""The folder of a private server: its files, permissions and locks."""

from __future__ import annotations

import base64
import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from urllib.parse import urlsplit

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_files import append_private, write_private
from hpsearch.runtime.private_folders import (
    folder_problem,
    private_folder,
    private_folder_problem,
)

NAME = "hpsearch"  #: name of the replica set and of its administrator

#: Contents of the folder for a user's data: the private server, and a folder of logs per search.
MONGOD, LOGS = "mongod", "logs"

#: Name pattern of the log files of workers.
LOG_FILES = "worker-*.log*"

_LOCK = "lock"


def folder_problems(home: Path) -> list[str]:
    """Return why a folder for this user's data, or one in it, would be refused; create nothing."""
    if problem := folder_problem(home):
        return [problem]
    logs = home / LOGS
    in_logs = sorted(logs.iterdir()) if folder_problem(logs) is None and logs.is_dir() else []
    found = [
        folder_problem(logs),
        *(private_folder_problem(folder, LOG_FILES) for folder in in_logs),
        private_folder_problem(home / MONGOD, _LOCK) or private_folder_problem(home / MONGOD / "data"),
    ]
    return [problem for problem in found if problem is not None]


@dataclass(frozen=True, slots=True)
class Directory:
    """The files in the folder of one private server."""

    root: Path  #: absolute, without symbolic links; identifies the server

    @classmethod
    def create(cls, root: Path) -> Directory:
        """Return the folder, created if missing.

        Raises
        ------
        ConfigurationError
            If it cannot be created, other users have access to it, or it has other content.
        """
        # Links above it are resolved; the folder itself must not be a link.
        directory = cls(private_folder(root.absolute(), mark=_LOCK).resolve())
        append_private(directory.root / _LOCK).close()  # marks the folder for the next call
        private_folder(directory.data)
        return directory

    @property
    def data(self) -> Path:
        """The server's data."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """The server's log since its last start."""
        return self.root / "mongod.log"

    @property
    def keyfile(self) -> Path:
        """The shared secret of the replica set, which also enables access control."""
        return self.root / "keyfile"

    @property
    def uri_file(self) -> Path:
        """The URI with the password; keeps the port while the server is stopped."""
        return self.root / "uri"

    @property
    def keeper_log(self) -> Path:
        """The keeper's output; empty unless it failed."""
        return self.root / "keeper.log"

    @property
    def pin(self) -> Path:
        """Exists while the server should keep running without users."""
        return self.root / "pinned"

    def write_keyfile(self) -> None:
        """Create the key file if it is missing."""
        if not self.keyfile.exists():
            write_private(self.keyfile, base64.b64encode(secrets.token_bytes(96)).decode())

    def password_and_port(self) -> tuple[str, int] | None:
        """Return the password and the last port; None before the first start."""
        try:
            parts = urlsplit(self.uri_file.read_text().strip())
            password, port = parts.password, parts.port
        except FileNotFoundError:
            return None
        except ValueError:  # not text, or without a valid port
            password = port = None
        if password is None or port is None:
            raise ConfigurationError(f"{self.uri_file} has no MongoDB URI; move {self.root} out of the way.")
        return password, port

    def write_uri(self, password: str, port: int) -> str:
        """Store and return the URI with the password.

        Parameters
        ----------
        password : str
            Password of the administrator; URL-safe.
        port : int
            TCP port of the server.
        """
        # With the name of the database, so that the Mongo shell opens the right one.
        uri = f"mongodb://{NAME}:{password}@127.0.0.1:{port}/hpsearch?replicaSet={NAME}&authSource=admin"
        write_private(self.uri_file, uri + "\n")
        return uri

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for starting, joining and stopping the server."""
        with append_private(self.root / _LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def join(self) -> FileIO:
        """Become a user of the server until ``leave`` or the end of the process."""
        file = append_private(self.root / "users")
        fcntl.flock(file, fcntl.LOCK_SH)
        return file

    def leave(self, use: FileIO) -> None:
        """Stop being a user, even if a forked process still has a copy of the file."""
        fcntl.flock(use, fcntl.LOCK_UN)
        use.close()

    def has_users(self) -> bool:
        """Return whether the server has users; the answer is reliable only inside ``locked``."""
        with append_private(self.root / "users") as file:
            return not _try_lock(file)

    def wait_for_no_users(self) -> None:
        """Wait until the server has no users."""
        with append_private(self.root / "users") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    def lock_as_keeper(self) -> FileIO | None:
        """Take the keeper's lock; return None if a keeper is running."""
        file = append_private(self.root / "keeper")
        if _try_lock(file):
            return file
        file.close()
        return None


def _try_lock(file: FileIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
