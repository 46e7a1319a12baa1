"""The folder of a private server: its files, their permissions, its locks."""

from __future__ import annotations

import base64
import fcntl
import os
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
    own_folder,
    private_folder,
    private_folder_problem,
)
from hpsearch.runtime.user_paths import user_path

NAME = "hpsearch"  #: of the replica set, and of its administrator

#: What lies in the folder for a user's data: the private server, and a folder of logs for each search.
MONGOD, LOGS = "mongod", "logs"

#: The logs of the workers of a search.
LOG_FILES = "worker-*.log*"

_LOCK = "lock"


def home() -> Path:
    """Return the folder for this user's data; where there is none it is made, for its owner only.

    Raises
    ------
    ConfigurationError
        If it cannot be made, is a link, or belongs to another user.
    """
    # What is there is never changed: the user may have named a folder of other uses.
    return own_folder(home_path())


def home_path() -> Path:
    """Return where the folder for this user's data is, or would be.

    ``HPSEARCH_HOME``, else ``hpsearch`` in the XDG data folder (``~/.local/share``).

    Raises
    ------
    ConfigurationError
        If that is below a home that this machine does not know, or a folder that was deleted.
    """
    if named := os.environ.get("HPSEARCH_HOME"):
        path = user_path(named)
    else:
        path = user_path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "hpsearch"
    try:
        return path.absolute()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"The folder {path} is named from the present one, which was deleted; go to another one."
        ) from error


def faults(home: Path) -> list[str]:
    """Return why a folder for this user's data, or one in it, would be refused; makes nothing."""
    if fault := folder_problem(home):
        return [fault]
    logs = home / LOGS
    in_logs = sorted(logs.iterdir()) if folder_problem(logs) is None and logs.is_dir() else []
    found = [
        folder_problem(logs),
        *(private_folder_problem(folder, LOG_FILES) for folder in in_logs),
        private_folder_problem(home / MONGOD, _LOCK) or private_folder_problem(home / MONGOD / "data"),
    ]
    return [fault for fault in found if fault is not None]


@dataclass(frozen=True, slots=True)
class Directory:
    """What lies where in the folder of one private server."""

    root: Path  #: absolute, without symbolic links: it identifies the server

    @classmethod
    def made(cls, root: Path) -> Directory:
        """Return the folder, made where there was none.

        Raises
        ------
        ConfigurationError
            If it cannot be made, or is not this user's alone, or holds other things.
        """
        # The links above it lead to where it is; one in its own place is refused.
        directory = cls(private_folder(root.absolute(), mark=_LOCK).resolve())
        append_private(directory.root / _LOCK).close()  # what is begun here is known again
        private_folder(directory.data)
        return directory

    @property
    def data(self) -> Path:
        """The server's own files."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What the server says since its last start."""
        return self.root / "mongod.log"

    @property
    def keyfile(self) -> Path:
        """The secret that members of the replica set share; it also turns access control on."""
        return self.root / "keyfile"

    @property
    def uri_file(self) -> Path:
        """The connection string with its password; holds the last port between two starts."""
        return self.root / "uri"

    @property
    def keeper_log(self) -> Path:
        """What the keeper says; nothing, unless it failed."""
        return self.root / "keeper.log"

    @property
    def pin(self) -> Path:
        """Exists while the server shall stay up without users."""
        return self.root / "pinned"

    def write_keyfile(self) -> None:
        """Make the key file, unless it is there."""
        if not self.keyfile.exists():
            write_private(self.keyfile, base64.b64encode(secrets.token_bytes(96)).decode())

    def password_and_port(self) -> tuple[str, int] | None:
        """Read the password and the last port, or None before the first start."""
        try:
            parts = urlsplit(self.uri_file.read_text().strip())
            password, port = parts.password, parts.port
        except FileNotFoundError:
            return None
        except ValueError:  # no text, or no number where the port should be
            password = port = None
        if password is None or port is None:
            raise ConfigurationError(
                f"{self.uri_file} holds no MongoDB URI; move {self.root} out of the way."
            )
        return password, port

    def write_uri(self, password: str, port: int) -> str:
        """Keep, and return, the connection string with its password."""
        # The database is in the URI, so that the Mongo shell opens the one that hpsearch uses.
        uri = f"mongodb://{NAME}:{password}@127.0.0.1:{port}/hpsearch?replicaSet={NAME}&authSource=admin"
        write_private(self.uri_file, uri + "\n")
        return uri

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who starts, joins or stops this server."""
        with append_private(self.root / _LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def join(self) -> FileIO:
        """Become a user of the server, until ``leave``, or until the process ends in any way."""
        file = append_private(self.root / "users")
        fcntl.flock(file, fcntl.LOCK_SH)
        return file

    def leave(self, use: FileIO) -> None:
        """Stop being a user, also where a forked process still holds a copy of the file."""
        fcntl.flock(use, fcntl.LOCK_UN)
        use.close()

    def has_users(self) -> bool:
        """Tell whether anybody uses the server; stays true or false only inside ``locked``."""
        with append_private(self.root / "users") as file:
            return not _try_lock(file)

    def wait_for_no_users(self) -> None:
        """Return at an instant when nobody uses the server."""
        with append_private(self.root / "users") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    def claim_keeping(self) -> FileIO | None:
        """Take the keeper's lock, or return None when a keeper lives."""
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
