"""The folder of a private server: its files, their permissions, its locks."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from urllib.parse import urlsplit

from hpsearch.errors import ConfigurationError
from hpsearch.user_path import user_path

NAME = "hpsearch"  #: of the replica set, and of its administrator

_OWNER_ONLY = 0o600


def home() -> Path:
    """Return the folder for this user's data; where there is none it is made, for its owner only.

    ``HPSEARCH_HOME``, else ``hpsearch`` in the XDG data folder (``~/.local/share``).

    Raises
    ------
    ConfigurationError
        If it cannot be made.
    """
    if named := os.environ.get("HPSEARCH_HOME"):
        path = user_path(named).absolute()
    else:
        path = user_path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "hpsearch"
    # Made for its owner alone, but never changed: the user may have named a folder of other uses.
    if not os.path.isdir(path):  # noqa: PTH112 - Path's would raise for a name that no folder can have
        _make_private(path)
    return path


@dataclass(frozen=True, slots=True)
class Directory:
    """What lies where in the folder of one private server."""

    root: Path  #: absolute, without symbolic links: it identifies the server

    @classmethod
    def made(cls, root: Path) -> Directory:
        """Return the folder, made and closed to others where that was needed.

        Raises
        ------
        ConfigurationError
            If it cannot be made, or belongs to somebody else.
        """
        directory = cls(root.resolve())
        _make_private(directory.root)
        _make_private(directory.data)
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
        with _open(self.root / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def join(self) -> TextIOWrapper:
        """Become a user of the server, until ``leave``, or until the process ends in any way."""
        file = _open(self.root / "users")
        fcntl.flock(file, fcntl.LOCK_SH)
        return file

    def leave(self, use: TextIOWrapper) -> None:
        """Stop being a user, also where a forked process still holds a copy of the file."""
        fcntl.flock(use, fcntl.LOCK_UN)
        use.close()

    def has_users(self) -> bool:
        """Tell whether anybody uses the server; stays true or false only inside ``locked``."""
        with _open(self.root / "users") as file:
            return not _try_lock(file)

    def wait_for_no_users(self) -> None:
        """Return at an instant when nobody uses the server."""
        with _open(self.root / "users") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    def claim_keeping(self) -> TextIOWrapper | None:
        """Take the keeper's lock, or return None when a keeper lives."""
        file = _open(self.root / "keeper")
        if _try_lock(file):
            return file
        file.close()
        return None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=_OWNER_ONLY)
    draft.write_text(text)
    draft.replace(path)


def _make_private(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = path.stat().st_uid
        if owner == os.getuid():
            path.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {path} cannot be made for its owner alone ({error.strerror}); "
            "name another one with HPSEARCH_HOME."
        ) from error
    if owner != os.getuid():
        raise ConfigurationError(
            f"The folder {path} belongs to another user of this machine; name another one with HPSEARCH_HOME."
        )


def _open(path: Path) -> TextIOWrapper:
    """Open a lock file; Python's files are closed in programs that this process starts."""
    return open(path, "a", opener=lambda name, flags: os.open(name, flags, _OWNER_ONLY))


def _try_lock(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
