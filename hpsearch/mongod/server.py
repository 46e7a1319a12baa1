"""The server process: finding, starting, preparing and stopping it.

Its process number is read from mongod's lock file and its port from its command line, so
that no stored state can be outdated. Callers hold ``Directory.locked``.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hpsearch.errors import ConfigurationError, StorePermissionError, StoreUnavailableError
from hpsearch.mongod.binary import find_mongod, why_not_started
from hpsearch.mongod.directory import NAME, Directory

_START_TIMEOUT_S = 60.0
_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.02
_PORT_TRIES = 5

_EXIT_PORT_TAKEN = 48


@dataclass(frozen=True, slots=True)
class Process:
    """A running server."""

    pid: int  #: process number
    port: int  #: TCP port on the loopback address


def find_running(directory: Directory) -> Process | None:
    """Return the running server of a folder, if there is one."""
    try:
        pid = int((directory.data / "mongod.lock").read_text())  # empty after a clean shutdown
    except (OSError, ValueError):
        return None
    options = _options_for(directory, pid)
    return Process(pid, int(options["--port"])) if options else None


def ensure_running(directory: Directory) -> str:
    """Start the server or adopt the running one; return its URI with the password.

    Raises
    ------
    NoMongodError
        If the server must be started and its program is missing.
    ConfigurationError
        If the server does not start; the text has the reason.
    StoreUnavailableError
        If it starts but does not become usable.
    """
    found = find_running(directory)
    if found is not None:
        try:
            return _prepare(directory, found)
        except StoreUnavailableError:
            if find_running(directory) == found:
                raise
            # It had been killed and was still ending when it was found.
    return _prepare(directory, start_process(directory))


def _prepare(directory: Directory, process: Process) -> str:
    """Wait until the server is usable and return its URI; raises as ``ensure_running`` does."""
    from hpsearch.store.mongo.local_server import (  # not at the top: the keeper must not load pymongo
        LocalServer,
        make_ready,
    )

    known = directory.password_and_port()
    if known is None:
        raise ConfigurationError(_lost_password(directory))
    key = directory.keyfile.read_text()
    server = LocalServer(port=process.port, replica_set=NAME, user=NAME, password=known[0], key=key)
    try:
        make_ready(server, _READY_TIMEOUT_S)
    except StoreUnavailableError as error:
        raise StoreUnavailableError(f"{error} {_log_of(directory)}") from error
    except StorePermissionError as error:
        raise ConfigurationError(_lost_password(directory)) from error
    return directory.write_uri(known[0], process.port)


def terminate(directory: Directory) -> None:
    """Stop the server, by SIGKILL if it does not stop in time; its data survives both.

    The process list is searched, to include a server without a lock file whose starter was killed.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        signalled: set[int] = set()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        # Searched again each time: a server that is starting forks.
        while (pids := _processes_of(directory)) and time.monotonic() < deadline:
            for pid in pids - signalled:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            signalled |= pids
            time.sleep(_POLL_S)


def _processes_of(directory: Directory) -> set[int]:
    pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_own(entry))
    return {pid for pid in pids if _options_for(directory, pid)}


def environment_without_settings() -> dict[str, str]:
    """Return the environment for the server and its keeper, without hpsearch's variables.

    Neither reads them, and some contain secrets, which should not stay in a process that runs for days.
    """
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("HPSEARCH_")}


def log_tail(log: Path, n_lines: int = 5) -> str:
    """Return the last errors in a server's log, or its last lines if there are none.

    Parameters
    ----------
    log : Path
        The log file; may be missing.
    n_lines : int
        Most lines to return, each of at most 300 characters.
    """
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    entries = []
    for line in lines:
        with suppress(ValueError):
            entries.append(json.loads(line))
    errors = [entry for entry in entries if entry.get("s") in {"E", "F"}]
    return "\n".join(
        f"  {entry.get('msg')} {json.dumps(entry.get('attr', {}))}"[:300]
        for entry in (errors or entries)[-n_lines:]
    )


def _options_for(directory: Directory, pid: int) -> dict[str, str]:
    """Return the options of a process if it is this user's server of the folder; empty otherwise."""
    process = Path(f"/proc/{pid}")
    try:
        arguments = (process / "cmdline").read_text(errors="replace").split("\0")  # empty for a zombie
    except OSError:
        return {}
    if not _is_own(process):
        return {}
    options = dict(pairwise(arguments))
    # After a crash, the number may belong to another program.
    return options if options.get("--dbpath") == str(directory.data) else {}


def _is_own(process: Path) -> bool:
    try:
        return process.stat().st_uid == os.getuid()
    except OSError:  # it has ended
        return False


def start_process(directory: Directory) -> Process:
    """Start the server on its last port, or on a free one if that is in use; it is not usable yet.

    Raises
    ------
    NoMongodError, ConfigurationError
        As ``ensure_running`` does.
    """
    binary = find_mongod()
    terminate(directory)  # a server whose starter was killed
    directory.write_keyfile()
    directory.pin.unlink(missing_ok=True)  # it belongs to an earlier server
    known = directory.password_and_port()
    if known is None and any(directory.data.iterdir()):
        raise ConfigurationError(_lost_password(directory))
    password, last_port = known or (secrets.token_urlsafe(24), None)
    if directory.log.exists():
        directory.log.replace(directory.log.with_suffix(".log.1"))
    for port in _ports(last_port):
        # Stored first: the password must not be lost once the server has an administrator.
        directory.write_uri(password, port)
        ended = _run(_command(binary, directory, port))
        process = find_running(directory)
        if ended.returncode == 0 and process is not None:
            return process
        if ended.returncode != _EXIT_PORT_TAKEN:
            break
    raise ConfigurationError(_why(binary, directory, ended))


def _ports(last: int | None) -> Iterator[int]:
    """Yield the last port, then free ones."""
    if last is not None:
        yield last
    for _ in range(_PORT_TRIES):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        yield port


def _command(binary: Path, directory: Directory, port: int) -> list[str]:
    """Return the command that starts the server, without secrets, as other users can see it."""
    options = {
        "--dbpath": directory.data,
        "--logpath": directory.log,
        "--keyFile": directory.keyfile,
        "--bind_ip": "127.0.0.1",
        "--port": port,
        "--replSet": NAME,
        # Small, for searches: minimal cache, and 16 MB journal files instead of three of 100 MB.
        "--oplogSize": 128,
        "--wiredTigerCacheSizeGB": 0.25,
        "--wiredTigerEngineConfigString": "log=(file_max=16MB)",
    }
    parameters = {
        "diagnosticDataCollectionEnabled": "false",
        # Otherwise any local user could create the administrator before us.
        "enableLocalhostAuthBypass": "false",
        "shutdownTimeoutMillisForSignaledShutdown": "100",  # no other member can take over
    }
    # --fork starts a new session, so that Ctrl-C does not reach it, and returns once the server is ready.
    command = [str(binary.absolute()), "--fork", "--logappend", "--nounixsocket"]
    for name, value in options.items():
        command += [name, str(value)]
    for name, value in parameters.items():
        command += ["--setParameter", f"{name}={value}"]
    return command


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_START_TIMEOUT_S,
            cwd="/",  # the working directory may be deleted
            env=environment_without_settings(),
            check=False,
        )
    except OSError as error:
        raise ConfigurationError(f"{command[0]} cannot be run: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailableError(f"{command[0]} did not start within {_START_TIMEOUT_S:.0f} s.") from error


def _why(binary: Path, directory: Directory, ended: subprocess.CompletedProcess[str]) -> str:
    if ended.returncode == _EXIT_PORT_TAKEN:
        return f"MongoDB found no free port on 127.0.0.1 in {_PORT_TRIES + 1} attempts."
    if "DBPathInUse" in (tail := _log_of(directory)):
        return (
            f"Another mongod uses {directory.data}, perhaps on another machine that shares the folder: set "
            f"HPSEARCH_HOME to a folder of this machine. {tail}"
        )
    return f"{why_not_started(binary, ended.returncode, ended.stdout)} {tail}"


def _lost_password(directory: Directory) -> str:
    return (
        f"{directory.uri_file} does not have the password of the server's data: restore that file, or move "
        f"{directory.root} out of the way."
    )


def _log_of(directory: Directory) -> str:
    tail = log_tail(directory.log)
    return f"Its log, {directory.log}, ends:\n{tail}" if tail else ""
