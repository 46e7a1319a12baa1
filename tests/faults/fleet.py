"""The coordinators and workers of the campaign, started as a user would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tests.faults.passwords import Passwords
from tests.support.supervisor import Post, Supervisor, send

LEASE_S = 10
MAX_ATTEMPTS = 4
N_WORKERS = 8

#: Numbers of the workers behind the proxy, and of the one whose clock is moved.
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
    passwords : Passwords
        Where they find the servers, and how they may use them.
    """

    def __init__(
        self,
        folder: Path,
        logs: Path,
        supervisor: Supervisor,
        environment: Mapping[str, str],
        passwords: Passwords,
    ) -> None:
        self._folder, self._logs = folder, logs
        self._supervisor = supervisor
        self._environment = environment
        self._passwords = passwords
        self.workers: list[Post] = []
        self.coordinators: list[Post] = []
        self.exp_keys: Sequence[str] = ()  #: of the searches that are under way
        self.slow_import = Path(environment["SLOW_IMPORT"])  #: while it is there, imports take long

    def start_workers(self, clock: Mapping[str, str]) -> None:
        """Start eight, two of them behind the proxy and one with a separate clock."""
        for i in range(N_WORKERS):
            more = clock if i == WITH_OTHER_CLOCK else {}
            store = self._passwords.worker_behind_proxy if i in BEHIND_PROXY else self._passwords.worker
            options = ["--concurrency", "2"] if i == _TWICE else []
            command = [
                sys.executable, "-m", "hpsearch", "worker", "--name", f"worker-{i}", "--no-echo",
                "--drain-timeout", "10s", *options,
            ]  # fmt: skip
            self.workers.append(self._post(f"worker-{i}", command, store, more))

    def start_searches(self, exp_keys: Sequence[str], max_evals: int, seed: int) -> None:
        """Start searches by name; one alone gets a standby beside its leader."""
        self.exp_keys = exp_keys
        n_each = 2 if len(exp_keys) == 1 else 1
        self.coordinators = [
            self._coordinator(f"{exp_key}-coordinator-{i}", exp_key, max_evals, seed)
            for exp_key in exp_keys
            for i in range(n_each)
        ]

    def is_search_over(self) -> bool:
        """Whether both coordinators have ended."""
        return not any(post.is_needed for post in self.coordinators)

    def has_ended(self, exp_key: str) -> bool:
        """Whether the coordinators of a search have left."""
        prefix = f"{exp_key}-coordinator-"
        return not any(post.is_needed for post in self.coordinators if post.name.startswith(prefix))

    def leader(self, target: float = 0.0) -> Post | None:
        """Return the coordinator that reports to lead; of several, one by a number from 0 to 1."""
        leaders = [post for post in self._talking() if not _is_standby(post)]
        return leaders[int(target * len(leaders))] if leaders else None

    def standby(self) -> Post | None:
        """Return the coordinator that reports to stand by."""
        return next((p for p in self._talking() if _is_standby(p)), None)

    def command(self, *arguments: str) -> bool:
        """Run a command of a user; return whether it succeeded."""
        environment = {**self._environment, "HPSEARCH_STORE_FILE": str(self._passwords.coordinator)}
        with (self._logs / "commands.log").open("ab") as log:
            done = subprocess.run(
                [sys.executable, "-m", "hpsearch", *arguments],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return done.returncode == 0

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

    def _coordinator(self, name: str, exp_key: str, max_evals: int, seed: int) -> Post:
        command = [
            sys.executable, "-m", "hpsearch", "coordinator", "search.py", "--exp-key", exp_key,
            "--max-evals", str(max_evals), "--seed", str(seed), "--algo", "random",
            "--lease", f"{LEASE_S}s", "--trial-timeout", f"{_TRIAL_TIMEOUT_S}s",
            "--max-attempts", str(MAX_ATTEMPTS), "--drain-timeout", "5s",
            "--pruner", "median", "--max-resource", "6",
        ]  # fmt: skip
        return self._post(name, command, self._passwords.coordinator, ends_well=True)

    def _post(
        self,
        name: str,
        command: list[str],
        store: Path,
        more: Mapping[str, str] = MappingProxyType({}),
        *,
        ends_well: bool = False,
    ) -> Post:
        environment = {**self._environment, **more, "HPSEARCH_STORE_FILE": str(store)}
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
        "SLOW_IMPORT": str(folder / "slow-import"),
        "TMPDIR": str(temporary),
        "HPSEARCH_HOME": str(folder / "home"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
