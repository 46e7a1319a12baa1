"""Using a private server: joining, leaving and stopping it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hpsearch.errors import ConfigurationError
from hpsearch.mongod.directory import MONGOD, Directory
from hpsearch.mongod.server import ensure_running, environment_without_settings, find_running, terminate
from hpsearch.runtime.private_files import write_private
from hpsearch.runtime.user_data import home

#: Runs a module of this package in another process, even if only this one has the package on its path. The
#: folder is added at the end of the path, so that nothing else in it hides another module.
_RUN_KEEPER = (
    "import runpy, sys; _, folder, name, *sys.argv[1:] = sys.argv; sys.path.append(folder); "
    "runpy.run_module(name, run_name='__main__', alter_sys=True)"
)

#: The folder of this package.
_PACKAGES = str(Path(__file__).resolve().parents[2])


class PrivateMongod:
    """One use of a private server, from joining to leaving; a context manager.

    Parameters
    ----------
    directory : Directory
        The server's folder.
    is_ephemeral : bool
        Whether to remove the folder with the server.
    """

    def __init__(self, directory: Directory, *, is_ephemeral: bool) -> None:
        self._directory = directory
        self._is_ephemeral = is_ephemeral
        with directory.locked():
            # The keeper starts first, so that it stops the server if this process is killed now.
            self._use = directory.join()
            try:
                _ensure_keeper(directory, is_ephemeral=is_ephemeral)
                #: URI with the password; must not be logged.
                self.uri = ensure_running(directory)
            except BaseException:
                self.leave()
                raise

    def leave(self) -> None:
        """Stop using the server, which stops soon after its last user has left, unless it is pinned."""
        if self._use.closed:
            return
        # The keeper may have been killed. Leaving must not fail.
        with suppress(ConfigurationError, OSError):
            _ensure_keeper(self._directory, is_ephemeral=self._is_ephemeral)
        self._directory.leave(self._use)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


@dataclass(frozen=True, slots=True, kw_only=True)
class MongodStatus:
    """The state of the private server of a folder."""

    directory: Path  #: the server's folder
    uri: str | None  #: URI with the password; None if it is not running
    pid: int | None  #: process number; None if it is not running
    is_pinned: bool  #: whether it keeps running without users
    has_users: bool  #: whether any process uses it


def private_mongod(data_dir: Path | None = None) -> PrivateMongod:
    """Use the private server of a folder; start it if it is not running.

    It runs until its last user has left or died. Its data is kept.

    Parameters
    ----------
    data_dir : Path, optional
        The folder; by default ``mongod`` in ``home()``.

    Raises
    ------
    NoMongodError
        If the server program is missing.
    ConfigurationError
        If the server does not start; the text has the reason.
    StoreUnavailableError
        If it starts but does not become usable.
    """
    return PrivateMongod(_directory(data_dir), is_ephemeral=False)


def ephemeral_mongod() -> PrivateMongod:
    """Use a new server in a temporary folder, which is removed with its last user.

    Raises
    ------
    NoMongodError, ConfigurationError, StoreUnavailableError
        As ``private_mongod`` does.
    """
    return PrivateMongod(_directory(Path(tempfile.mkdtemp(prefix="hpsearch-"))), is_ephemeral=True)


def start_pinned(data_dir: Path | None = None) -> str:
    """Start or adopt the private server, keep it running until ``stop``, and return its URI.

    Raises
    ------
    NoMongodError, ConfigurationError, StoreUnavailableError
        As ``private_mongod`` does.
    """
    directory = _directory(data_dir)
    with PrivateMongod(directory, is_ephemeral=False) as server:
        directory.pin.touch(mode=0o600)
        return server.uri


def stop(data_dir: Path | None = None) -> bool:
    """Stop the private server, or let it stop with its last user.

    Returns
    -------
    bool
        Whether it has stopped. If not, searches use it, and it stops when the last of them ends.
    """
    directory = _directory(data_dir)
    with directory.locked():
        directory.pin.unlink(missing_ok=True)
        if directory.has_users():
            _ensure_keeper(directory, is_ephemeral=False)
            return False
        terminate(directory)
    return True


def status(data_dir: Path | None = None) -> MongodStatus:
    """Return the state of the private server."""
    directory = _directory(data_dir)
    with directory.locked():
        process = find_running(directory)
        known = directory.password_and_port()
        return MongodStatus(
            directory=directory.root,
            uri=directory.uri_file.read_text().strip() if process and known else None,
            pid=process.pid if process else None,
            is_pinned=process is not None and directory.pin.exists(),
            has_users=directory.has_users(),
        )


def _directory(data_dir: Path | None) -> Directory:
    if sys.platform != "linux":
        raise ConfigurationError(
            f"A private MongoDB needs Linux, and this is {sys.platform}; start a server and use --store URI."
        )
    return Directory.create(data_dir or home() / MONGOD)


def _ensure_keeper(directory: Directory, *, is_ephemeral: bool) -> None:
    """Start the process that stops the server after its last user, unless one is running.

    The keeper inherits its lock, so that the lock is held without interruption.
    """
    lock = directory.lock_as_keeper()
    if lock is None:
        return
    command = [sys.executable, "-P", "-c", _RUN_KEEPER, _PACKAGES, "hpsearch.mongod.auto_stop"]
    command += [str(directory.root), str(lock.fileno())]
    write_private(directory.keeper_log, "")
    with lock, directory.keeper_log.open("a") as log:
        started = subprocess.run(
            command + ["--remove"] * is_ephemeral,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            cwd="/",  # the working directory may be deleted
            env=environment_without_settings(),
            start_new_session=True,
            check=False,
        )
    if started.returncode != 0:
        raise ConfigurationError(f"The keeper of the private MongoDB did not start; see {log.name}.")
