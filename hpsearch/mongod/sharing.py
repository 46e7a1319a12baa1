"""Users of a private server: who joins, who leaves, who ends it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hpsearch.errors import ConfigurationError
from hpsearch.mongod.directory import MONGOD, Directory, home
from hpsearch.mongod.environment import without_settings
from hpsearch.mongod.server import ensure_running, find_living, terminate
from hpsearch.runtime.private_files import write_private

#: Runs a module of this very package, also where only the user's script knows where that lies. The
#: folder comes last on the path: what else is in there takes the place of nothing.
_RUN_KEEPER = (
    "import runpy, sys; _, folder, name, *sys.argv[1:] = sys.argv; sys.path.append(folder); "
    "runpy.run_module(name, run_name='__main__', alter_sys=True)"
)

#: The folder in which this package lies.
_PACKAGES = str(Path(__file__).resolve().parents[2])


class PrivateMongod:
    """One use of a private server, from joining to leaving; a context manager."""

    def __init__(self, directory: Directory, *, is_ephemeral: bool) -> None:
        self._directory = directory
        self._is_ephemeral = is_ephemeral
        with directory.locked():
            # The keeper comes before the server: it ends what a killed starter leaves behind.
            self._use = directory.join()
            try:
                _ensure_keeper(directory, is_ephemeral=is_ephemeral)
                #: Connection string with its password and replica set: never log it.
                self.uri = ensure_running(directory)
            except BaseException:
                self.leave()
                raise

    def leave(self) -> None:
        """Stop using the server, which ends soon after its last user left, unless it is pinned."""
        if self._use.closed:
            return
        # The keeper may have been killed meanwhile. Leaving itself must not fail.
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
    """What is known of the private server of a folder."""

    directory: Path  #: where its data and its log lie
    uri: str | None  #: its connection string with the password, None when it does not run
    pid: int | None  #: its process number, None when it does not run
    is_pinned: bool  #: whether it stays up without users
    has_users: bool  #: whether a search on this machine uses it


def private_mongod(data_dir: Path | None = None) -> PrivateMongod:
    """Use the private server of a folder, started if it does not run.

    It runs until its last user has left, or died. Its data stays for the next time.

    Parameters
    ----------
    data_dir : Path, optional
        The folder; by default ``mongod`` under ``home()``.

    Raises
    ------
    NoMongodError
        If there is no server binary on this machine.
    ConfigurationError
        If the server cannot run here; the text says why.
    StoreUnavailableError
        If it starts but does not become usable.
    """
    return PrivateMongod(_directory(data_dir), is_ephemeral=False)


def ephemeral_mongod() -> PrivateMongod:
    """Use a new server in a temporary folder, which goes with its last user.

    Raises
    ------
    NoMongodError, ConfigurationError, StoreUnavailableError
        As ``private_mongod`` does.
    """
    return PrivateMongod(_directory(Path(tempfile.mkdtemp(prefix="hpsearch-"))), is_ephemeral=True)


def start_pinned(data_dir: Path | None = None) -> str:
    """Start or adopt the private server, let it run until ``stop``, and return its URI.

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
    """End the private server, or let it end with its last user.

    Returns
    -------
    bool
        True when no server runs any more; False when searches still use it, so that it
        ends when the last of them has left.
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
    """Tell whether the private server runs, where, and for whom."""
    directory = _directory(data_dir)
    with directory.locked():
        process = find_living(directory)
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
            f"A private MongoDB needs Linux, and this is {sys.platform}: start one and pass --store URI."
        )
    return Directory.made(data_dir or home() / MONGOD)


def _ensure_keeper(directory: Directory, *, is_ephemeral: bool) -> None:
    """Start the process that ends the server after its last user, unless one lives.

    The keeper inherits its lock, so there is no instant at which nobody holds it.
    """
    lock = directory.claim_keeping()
    if lock is None:
        return
    command = [sys.executable, "-P", "-c", _RUN_KEEPER, _PACKAGES, "hpsearch.mongod.keeper"]
    command += [str(directory.root), str(lock.fileno())]
    write_private(directory.keeper_log, "")
    with lock, directory.keeper_log.open("a") as log:
        started = subprocess.run(
            command + ["--remove"] * is_ephemeral,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            cwd="/",  # it outlives this process, whose folder may be deleted
            env=without_settings(os.environ),
            start_new_session=True,
            check=False,
        )
    if started.returncode != 0:
        raise ConfigurationError(f"The keeper of the private MongoDB did not start: see {log.name}.")
