"""The coordinators and workers of the campaign, started as a user would."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from .posts import Post, Supervisor, send

LEASE_S = 10
MAX_ATTEMPTS = 4
N_WORKERS = 8

#: Workers behind the proxy, and the one whose clock is moved, by their number.
BEHIND_PROXY, WITH_OTHER_CLOCK = {6, 7}, 5
#: The worker that evaluates two trials at a time.
_TWICE = 4

_TRIAL_TIMEOUT_S = 8
_STATUS = re.compile(r"^(\S+): .* (?:pending|running|done|failed)", re.MULTILINE)


class Fleet:
    """Workers that serve any search, and two coordinators for each.

    Parameters
    ----------
    folder : Path
        Where they run.
    logs : Path
        Where their output goes.
    supervisor : Supervisor
        Who starts them again.
    environment : mapping
        Of all of them.
    """

    def __init__(
        self, folder: Path, logs: Path, supervisor: Supervisor, environment: Mapping[str, str]
    ) -> None:
        self._folder, self._logs = folder, logs
        self._supervisor = supervisor
        self._environment = environment
        self.workers: list[Post] = []
        self.coordinators: list[Post] = []

    def start_workers(self, uri: str, proxy_uri: str, clock: Mapping[str, str]) -> None:
        """Start eight, two of them behind the proxy and one with a clock of its own."""
        for i in range(N_WORKERS):
            more = clock if i == WITH_OTHER_CLOCK else {}
            store = proxy_uri if i in BEHIND_PROXY else uri
            options = ["--concurrency", "2"] if i == _TWICE else []
            command = [
                sys.executable, "-m", "hpsearch_worker", "--name", f"worker-{i}", "--no-echo",
                "--drain-timeout", "10s", *options,
            ]  # fmt: skip
            self.workers.append(self._post(f"worker-{i}", command, {**more, "HPSEARCH_STORE": store}))

    def start_search(self, exp_key: str, max_evals: int, seed: int, uri: str) -> None:
        """Start a leader and a standby, and return when both were started."""
        command = [
            sys.executable, "-m", "hpsearch", "coordinator", "search.py", "--exp-key", exp_key,
            "--max-evals", str(max_evals), "--seed", str(seed), "--algo", "random",
            "--lease", f"{LEASE_S}s", "--trial-timeout", f"{_TRIAL_TIMEOUT_S}s",
            "--max-attempts", str(MAX_ATTEMPTS), "--drain-timeout", "5s",
        ]  # fmt: skip
        self.coordinators = [
            self._post(f"{exp_key}-coordinator-{i}", command, {"HPSEARCH_STORE": uri}, ends_well=True)
            for i in range(2)
        ]

    def is_search_over(self) -> bool:
        """Whether both coordinators have left by themselves."""
        return not any(post.is_needed for post in self.coordinators)

    def leader(self) -> Post | None:
        """Return the coordinator that says that it leads."""
        return next((p for p in self._talking() if not _is_standby(p)), None)

    def standby(self) -> Post | None:
        """Return the coordinator that says that it waits."""
        return next((p for p in self._talking() if _is_standby(p)), None)

    def drain(self, timeout_s: float) -> list[str]:
        """Ask the workers to leave; return the names of those that do not."""
        for post in self.workers:
            post.is_needed = False
            if (pid := post.pid) is not None:
                send(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while any(post.pid for post in self.workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [post.name for post in self.workers if post.pid]

    def _post(
        self, name: str, command: list[str], more: Mapping[str, str], *, ends_well: bool = False
    ) -> Post:
        environment = {**self._environment, **more}
        post = Post(name, command, self._folder, self._logs / f"{name}.log", environment, ends_well)
        self._supervisor.take_on(post)
        return post

    def _talking(self) -> list[Post]:
        """Return the coordinators that live and have said how the search stands."""
        return [post for post in self.coordinators if post.pid is not None and _latest_status(post)]


def _latest_status(post: Post) -> str:
    """Return the last line of the present process about its search."""
    said = post.log.read_text(errors="replace").rpartition("; start workers with")[2]
    lines = [line for line in said.splitlines() if _STATUS.match(line)]
    return lines[-1] if lines else ""


def _is_standby(post: Post) -> bool:
    return "standby: another coordinator leads" in _latest_status(post)


def environment_of(folder: Path, mark: str) -> dict[str, str]:
    """Return the environment of all processes of a campaign, by whose mark they are found."""
    temporary = folder / "tmp"
    temporary.mkdir()
    return {
        **os.environ,
        "FAULT_CAMPAIGN": mark,
        "CALLS": str(folder / "calls"),
        "TMPDIR": str(temporary),
        "HPSEARCH_HOME": str(folder / "home"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
