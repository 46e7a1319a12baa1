"""The server process: find it alive, start it, make it usable, end it.

Nothing is remembered about the process: its number is in the lock file that mongod
itself keeps, and its port in its own argument list, so a stale note cannot mislead.
Callers hold ``Directory.locked``.
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
from hpsearch.mongod.environment import without_settings

_START_TIMEOUT_S = 60.0
_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.02
_PORT_TRIES = 5

_EXIT_PORT_TAKEN = 48


@dataclass(frozen=True, slots=True)
class Process:
    """A living server."""

    pid: int  #: process number
    port: int  #: TCP port on the loopback address


def find_living(directory: Directory) -> Process | None:
    """Return the server that runs in this folder, if one does."""
    try:
        pid = int((directory.data / "mongod.lock").read_text())  # empty after a clean end
    except (OSError, ValueError):
        return None
    options = _options_for(directory, pid)
    return Process(pid, int(options["--port"])) if options else None


def ensure_running(directory: Directory) -> str:
    """Start the server, or adopt the one that runs, and return its URI with the password.

    Raises
    ------
    NoMongodError
        If a server must be started and there is no binary.
    ConfigurationError
        If the server does not start here; the text says why.
    StoreUnavailableError
        If it starts but does not become usable.
    """
    found = find_living(directory)
    if found is not None:
        try:
            return _made_ready(directory, found)
        except StoreUnavailableError:
            if find_living(directory) == found:
                raise
            # It was killed, and had not ended yet when it was found.
    return _made_ready(directory, start_bare(directory))


def _made_ready(directory: Directory, process: Process) -> str:
    """Wait until a server is usable, and return its URI; raises as ``ensure_running``."""
    from hpsearch.store.mongo.local_server import LocalServer, make_ready  # the keeper does without pymongo

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
    """End the server in order, or by force when it does not obey; its data survives both.

    That includes a server that is only starting, because its starter was killed: it has
    not yet written its lock file, and is found in the process list.
    """
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_own(entry)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = [pid for pid in pids if _options_for(directory, pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while any(_options_for(directory, pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(_POLL_S)


def log_tail(log: Path, n_lines: int = 5) -> str:
    """Return the last errors in a server's log, else its last lines, each cut to 300 characters."""
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
    """Return the options of a process of this user if it serves this folder, else nothing."""
    process = Path(f"/proc/{pid}")
    try:
        arguments = (process / "cmdline").read_text(errors="replace").split("\0")  # empty for a zombie
    except OSError:
        return {}
    if not _is_own(process):
        return {}
    options = dict(pairwise(arguments))
    # After a crash the number may belong to another program by now.
    return options if options.get("--dbpath") == str(directory.data) else {}


def _is_own(process: Path) -> bool:
    try:
        return process.stat().st_uid == os.getuid()
    except OSError:  # it ended meanwhile
        return False


def start_bare(directory: Directory) -> Process:
    """Start a server on its last port, or on a free one where that is taken; it is not yet usable.

    Raises
    ------
    NoMongodError, ConfigurationError
        As ``ensure_running`` does.
    """
    binary = find_mongod()
    terminate(directory)  # what a killed starter left half started
    directory.write_keyfile()
    directory.pin.unlink(missing_ok=True)  # it spoke of a server that is gone
    known = directory.password_and_port()
    if known is None and any(directory.data.iterdir()):
        raise ConfigurationError(_lost_password(directory))
    password, last_port = known or (secrets.token_urlsafe(24), None)
    if directory.log.exists():
        directory.log.replace(directory.log.with_suffix(".log.1"))
    for port in _ports(last_port):
        # Written first: once the server has an administrator, the password must not be lost.
        directory.write_uri(password, port)
        ended = _run(_command(binary, directory, port))
        process = find_living(directory)
        if ended.returncode == 0 and process is not None:
            return process
        if ended.returncode != _EXIT_PORT_TAKEN:
            break
    raise ConfigurationError(_why(binary, directory, ended))


def _ports(last: int | None) -> Iterator[int]:
    """Yield the ports to try: the last one, then free ones."""
    if last is not None:
        yield last
    for _ in range(_PORT_TRIES):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        yield port


def _command(binary: Path, directory: Directory, port: int) -> list[str]:
    """Return the command that starts the server; other users can read it in the process list."""
    options = {
        "--dbpath": directory.data,
        "--logpath": directory.log,
        "--keyFile": directory.keyfile,
        "--bind_ip": "127.0.0.1",
        "--port": port,
        "--replSet": NAME,
        # A search is small: least cache, 16 MB journal files instead of three of 100 MB.
        "--oplogSize": 128,
        "--wiredTigerCacheSizeGB": 0.25,
        "--wiredTigerEngineConfigString": "log=(file_max=16MB)",
    }
    parameters = {
        "diagnosticDataCollectionEnabled": "false",
        # Else anybody on this machine could make the first user, before we do.
        "enableLocalhostAuthBypass": "false",
        "shutdownTimeoutMillisForSignaledShutdown": "100",  # there is no other member to hand over to
    }
    # --fork makes a session of its own, which Ctrl-C does not reach, and returns when it is ready.
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
            cwd="/",  # the folder that this process is in may be deleted
            env=without_settings(os.environ),
            check=False,
        )
    except OSError as error:
        raise ConfigurationError(f"{command[0]} cannot be run: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailableError(f"{command[0]} did not start within {_START_TIMEOUT_S:.0f} s.") from error


def _why(binary: Path, directory: Directory, ended: subprocess.CompletedProcess[str]) -> str:
    if ended.returncode == _EXIT_PORT_TAKEN:
        return f"MongoDB found no free port on 127.0.0.1 in {_PORT_TRIES + 1} tries."
    if "DBPathInUse" in (tail := _log_of(directory)):
        return (
            f"{directory.data} is in use by another mongod, perhaps on another machine that shares the "
            f"folder: name a folder of this machine with HPSEARCH_HOME. {tail}"
        )
    return f"{why_not_started(binary, ended.returncode, ended.stdout)} {tail}"


def _lost_password(directory: Directory) -> str:
    return (
        f"{directory.uri_file} does not hold the password of the data beside it: "
        f"restore that file, or move {directory.root} out of the way."
    )


def _log_of(directory: Directory) -> str:
    tail = log_tail(directory.log)
    return f"Its log, {directory.log}, ends:\n{tail}" if tail else ""
