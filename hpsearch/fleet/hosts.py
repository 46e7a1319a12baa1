"""Calls a host of a fleet by the system's OpenSSH.

Keys, jump hosts and the check of host keys are OpenSSH's own business. The URI of the database goes through
the standard input into a file that only the user of the host can read, never onto a command line.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files

from hpsearch.fleet.fleet_file import Fleet, Host
from hpsearch.runtime.escaping import one_line

#: ssh's own exit code when it cannot reach a host.
_UNREACHABLE = 255

#: Options of ssh that a fleet may override: ask for nothing, and give up a host that falls silent.
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15")

#: Hosts that are called at the same time.
_N_PARALLEL = 32

_MAX_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker on a host."""

    host: str
    worker: int  #: number on the host, from 1
    state: str  #: "started", "running", "ended", "draining" or "stopped"
    pid: int | None
    note: str  #: the last line of its log


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a host answered."""

    host: str
    lines: tuple[str, ...] = ()
    problem: str | None = None  #: a sentence, if it could not be reached or the action failed

    def workers(self) -> list[WorkerState]:
        """Return the workers that the lines describe."""
        return [_worker(self.host, line) for line in self.lines]


def start(fleet: Fleet, uri: str) -> list[Answer]:
    """Start the workers that are not running.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    uri : str
        Of the database, for the workers.
    """
    serves = () if fleet.exp_key is None else ("--exp-key", fleet.exp_key)

    def words(host: Host) -> Sequence[str]:
        return (str(host.workers), host.directory, *host.command, "worker", *serves, *host.options)

    return _all(fleet, "start", words, f"{uri}\n")


def stop(fleet: Fleet, wait_s: int) -> list[Answer]:
    """Drain the workers, and wait for some seconds until they have ended.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    wait_s : int
        Seconds.
    """
    return _all(fleet, "stop", lambda host: (str(wait_s),))


def status(fleet: Fleet) -> list[Answer]:
    """Return the states of the workers."""
    return _all(fleet, "status", lambda host: ())


def logs(fleet: Fleet, n_lines: int) -> list[Answer]:
    """Return the ends of the workers' logs.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    n_lines : int
        Lines of each log.
    """
    return _all(fleet, "logs", lambda host: (str(n_lines),))


def _all(
    fleet: Fleet, action: str, arguments: Callable[[Host], Sequence[str]], stdin: str = ""
) -> list[Answer]:
    """Call all hosts at the same time; one that cannot be reached does not stop the others."""

    def call(host: Host) -> Answer:
        return _call(host, [action, fleet.name, *arguments(host)], stdin)

    with ThreadPoolExecutor(min(_N_PARALLEL, len(fleet.hosts))) as pool:
        return list(pool.map(call, fleet.hosts))


def _call(host: Host, arguments: Sequence[str], stdin: str) -> Answer:
    script = files("hpsearch.fleet").joinpath("remote.sh").read_text()
    remote = shlex.join(["sh", "-c", script, "hpsearch-fleet", *arguments])
    command = [*_SSH, *host.ssh, "--", host.address, remote]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        return Answer(host=host.address, problem=f"{host.address}: ssh cannot be started: {error.strerror}.")
    if done.returncode == 0:
        return Answer(host=host.address, lines=tuple(done.stdout.splitlines()))
    said = one_line(done.stderr.strip().rpartition("\n")[2], _MAX_REASON) or f"exit code {done.returncode}"
    what = "cannot be reached" if done.returncode == _UNREACHABLE else "refused the action"
    return Answer(host=host.address, problem=f"{host.address} {what}: {said}")


def _worker(host: str, line: str) -> WorkerState:
    worker, state, pid, *note = line.split(" ", 3)
    return WorkerState(
        host=host,
        worker=int(worker),
        state=state,
        pid=int(pid) if pid.isdecimal() else None,
        note="".join(note),
    )
