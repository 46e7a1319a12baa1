"""Processes that are kept up as a supervisor would: each has a post, which is filled again when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_LOOK_S = 0.1
_TAIL_BYTES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a process ended."""

    name: str
    code: int  #: negative for a signal
    lived_s: float
    was_killed: bool  #: by the campaign
    was_excused: bool  #: it could not work, such as on a full disk
    at: float = 0.0  #: monotonic
    pid: int = 0  #: process number
    tail: str = ""  #: the last lines that it printed


@dataclass(slots=True, eq=False)
class Post:
    """One process at a time under a name."""

    name: str
    command: Sequence[str]
    folder: Path  #: where it runs
    log: Path  #: all that its processes print
    environment: Mapping[str, str]
    ends_well: bool = False  #: whether it is done once a process has ended with code 0
    is_needed: bool = True  #: whether another process follows when this one ends
    may_die: bool = False  #: whether it may end by itself now, since it cannot work
    process: subprocess.Popen[bytes] | None = None
    began_at: float = 0.0  #: monotonic
    starts_at: float = 0.0  #: monotonic; when the next process starts
    ends: list[End] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)  #: of all processes so far
    _killed: int = 0  #: process number of the latest that was killed

    @property
    def pid(self) -> int | None:
        """The living process, if there is one."""
        process = self.process
        return process.pid if process is not None and process.poll() is None else None

    def launch(self) -> None:
        """Start a process; its output goes to the end of the log."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.began_at = time.monotonic()
        self.pids.append(self.process.pid)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if (pid := self.pid) is not None:
            self._killed = pid
            send(pid, signal.SIGKILL)

    def look(self, restart_s: float) -> None:
        """Take note of an end, and fill the post again some seconds later."""
        process, now = self.process, time.monotonic()
        if process is None:
            if self.is_needed and now >= self.starts_at:
                self.launch()
            return
        code = process.poll()
        if code is None:
            return
        self.ends.append(
            End(
                name=self.name,
                code=code,
                lived_s=now - self.began_at,
                was_killed=self._killed == process.pid,
                was_excused=self.may_die,
                at=now,
                pid=process.pid,
                tail=tail_of(self.log),
            )
        )
        self.process, self.starts_at = None, now + restart_s
        if self.ends_well and code == 0:
            self.is_needed = False


class Supervisor:
    """Looks after posts, in a thread of its own.

    Parameters
    ----------
    restart_s : float
        Seconds for which a post stays empty.
    """

    def __init__(self, restart_s: float) -> None:
        self._restart_s = restart_s
        self._lock = threading.Lock()
        self._posts: list[Post] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def take_on(self, post: Post) -> None:
        """Fill a post, and look after it from now on."""
        post.launch()
        with self._lock:
            self._posts.append(post)

    def ends(self) -> list[End]:
        """Return how processes ended so far."""
        with self._lock:
            return [end for post in self._posts for end in post.ends]

    def close(self) -> None:
        """Stop supervising, and kill the remaining processes."""
        self._is_over.set()
        self._thread.join()
        for post in self._posts:
            post.kill()
            if post.process is not None:
                post.process.wait()

    def _run(self) -> None:
        while not self._is_over.wait(_LOOK_S):
            with self._lock:
                for post in self._posts:
                    post.look(self._restart_s)


def send(pid: int, signum: signal.Signals) -> None:
    """Send a signal, unless the process is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


def children_of(pid: int) -> list[int]:
    """Return the children of a process, by all of its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def tail_of(log: Path) -> str:
    """Return the last lines of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-3:])
