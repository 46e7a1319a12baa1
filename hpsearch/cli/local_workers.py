"""Worker processes on this machine, for ``hpsearch run``."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from hpsearch.cli.process import failure_in
from hpsearch.cli.store_choice import STORE, STORE_FILE
from hpsearch.errors import (
    ConfigurationError,
    HpsearchError,
    LoadError,
    StorePermissionError,
    StoreUnavailableError,
    TooManyFailuresError,
)
from hpsearch.mongod.directory import LOG_FILES
from hpsearch.runtime.events import Event
from hpsearch.runtime.gpus import assign_gpus, find_gpus
from hpsearch.runtime.log_files import last_bytes, rotate
from hpsearch.runtime.logs import is_json
from hpsearch.runtime.private_files import append_private
from hpsearch.runtime.private_folders import own_folder, private_folder
from hpsearch.runtime.signals import ECHO_S

log = logging.getLogger(__name__)

#: Seconds between two starts in the place of a worker that died at work.
_RESTART_AFTER_S = 2.0

#: Starts in a row that may fail; and seconds between the end of a start that failed and the next one.
_MAX_STARTS = 3
_FIRST_PAUSE_S, _PAUSE_GROWTH, _LONGEST_PAUSE_S = 0.25, 2.0, 60.0

#: Seconds between two looks at workers that end.
_POLL_S = 0.05

#: Bytes at the end of a worker's log in which its last words are looked for.
_LAST_BYTES = 64 * 1024

#: Exit codes after which starting the same worker again would end the same way.
_FATAL: dict[int | None, type[HpsearchError]] = {
    2: ConfigurationError,  # wrong usage: HPSEARCH_WORKER_*
    **{
        kind.exit_code: kind
        for kind in (LoadError, TooManyFailuresError, StorePermissionError, ConfigurationError)
    },
}


def gpus_of_workers(choice: str | None, n: int, environment: Mapping[str, str]) -> list[str] | None:
    """Return the ``--gpus`` of each of ``n`` local workers, so that no two of them get the same.

    Parameters
    ----------
    choice : str, optional
        The ``--gpus`` of them all, instead of what the environment says to each worker.
    n : int
        How many.
    environment : mapping
        Of this process, from which the workers take their other options.

    Raises
    ------
    ConfigurationError
        If there are fewer GPUs than trials that the workers evaluate at a time.
    """
    choice = choice or environment.get("HPSEARCH_WORKER_GPUS")
    if not choice:
        return None
    n_slots = slots_of_worker(environment)
    shares = assign_gpus(find_gpus(choice, environment), n * n_slots)
    return [",".join(shares[i * n_slots : (i + 1) * n_slots]).strip(",") or "none" for i in range(n)]


def slots_of_worker(environment: Mapping[str, str]) -> int:
    """Return how many trials a local worker evaluates at a time; what is no number, the worker refuses."""
    concurrency = environment.get("HPSEARCH_WORKER_CONCURRENCY", "")
    return int(concurrency) if concurrency.isdecimal() else 1


class LocalWorkers:
    """Keeps workers running; a context manager that drains them at the end.

    Parameters
    ----------
    n : int
        How many.
    uri : str
        The database; travels in the environment, where other users cannot read it.
    exp_key : str
        The experiment to serve.
    log_dir : Path
        Where each worker writes its log.
    drain_timeout_s : float
        Seconds that a running trial has to finish when the workers must end.
    auth_patience_s : float
        Seconds for which they outlast that MongoDB refuses the user.
    store_file : str, optional
        File that holds the URI; the workers read it, too, and again when it has changed.
    is_forced : callable
        Asked while workers finish their trials: true makes them give the trials back at once.
    gpus : sequence of str, optional
        The ``--gpus`` of each worker.
    """

    def __init__(
        self,
        n: int,
        uri: str,
        exp_key: str,
        log_dir: Path,
        *,
        drain_timeout_s: float,
        auth_patience_s: float,
        store_file: str | None = None,
        is_forced: Callable[[], bool],
        gpus: Sequence[str] | None = None,
    ) -> None:
        self._n = n
        place = {STORE: uri, STORE_FILE: ""} if store_file is None else {STORE: "", STORE_FILE: store_file}
        self._env = {**os.environ, **place}
        self._exp_key = exp_key
        self._log_dir = log_dir.absolute()
        self._drain_timeout_s = drain_timeout_s
        self._auth_patience_s = auth_patience_s
        self._is_forced = is_forced
        self._gpus = gpus
        self._workers: list[_LocalWorker] = []
        self._named: list[_LocalWorker] = []  # those of which a warning said that they cannot start

    def __enter__(self) -> LocalWorkers:
        own_folder(self._log_dir.parent)
        private_folder(self._log_dir, mark=LOG_FILES)
        for i in range(self._n):
            path = self._log_dir / f"worker-{i + 1}.log"
            append_private(path).close()  # refuses what is not ours
            try:
                if path.stat().st_size:
                    rotate(path)
            except OSError as error:
                why = error.strerror
                raise ConfigurationError(
                    f"The logs {path}.N cannot be renamed: {why}; move them away."
                ) from error
            self._workers.append(_LocalWorker(self._command(i, path), self._env, path))
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminate()
        asked_at = time.monotonic()
        while any(worker.exit_code() is None for worker in self._workers):
            # A worker takes a second signal for an echo of the first when it follows too soon.
            if self._is_forced() and time.monotonic() - asked_at >= ECHO_S:
                self._terminate()
                asked_at = time.monotonic()
            time.sleep(_POLL_S)

    def check(self) -> None:
        """Replace workers that died.

        Raises
        ------
        HpsearchError
            If one ended for a reason that would end the next one too, or if none of them can start.
        """
        for worker in self._workers:
            code = worker.exit_code()
            if code in _FATAL:
                raise _FATAL[code](worker.last_words())
            if code != 0:  # at 0, its own options told it to leave
                worker.restart_if_due()
        self._check_starts()
        if self._workers and all(worker.exit_code() == 0 for worker in self._workers):
            text = "All local workers have left, as their own options (HPSEARCH_WORKER_*) told them to."
            raise ConfigurationError(text)

    def _check_starts(self) -> None:
        """Give up if no worker can start; say so of one that cannot while others are at work."""
        failing = [worker for worker in self._workers if worker.cannot_start]
        if failing and len(failing) == len(self._workers):
            raise ConfigurationError(failing[0].why_no_start())
        for worker in failing:
            if worker not in self._named:
                self._named.append(worker)
                log.warning(
                    "%s", worker.why_no_start(), extra=Event.WORKER_NOT_STARTED.of(log=str(worker.log))
                )

    def _terminate(self) -> None:
        for worker in self._workers:
            worker.terminate()

    def _command(self, i: int, path: Path) -> list[str]:
        command = [
            sys.executable,
            "-P",  # no module of the user's folder takes the place of one of the library's
            "-m",
            "hpsearch",
            "worker",
            "--exp-key",
            self._exp_key,
            "--drain-timeout",
            f"{self._drain_timeout_s:.3f}s",
            "--auth-patience",
            f"{self._auth_patience_s:.3f}s",
            "--parent",
            str(os.getpid()),
            "--log-file",
            str(path),
        ]
        if is_json():
            command += ["--log-format", "json"]
        if self._gpus is not None:
            command += ["--gpus", self._gpus[i]]
        if name := os.environ.get("HPSEARCH_WORKER_NAME"):
            command += ["--name", f"{name}-{i + 1}"]
        return command


class _LocalWorker:
    """One worker: its present process, and how the starts of the last ones went."""

    def __init__(self, command: list[str], env: Mapping[str, str], path: Path) -> None:
        self._command, self._env, self.log = command, env, path
        self._process: subprocess.Popen[bytes] | None = None
        self._started_fd = -1  # the process writes there once it is at work
        self._is_at_work = False
        self._started_at = 0.0
        self._ended_at: float | None = None  # when it was seen that the process had ended
        self._n_failed_starts = 0  # in a row
        self._failed_code = 0

    @property
    def cannot_start(self) -> bool:
        """Whether it ended before it was at work each time that it was started of late."""
        return self._n_failed_starts >= _MAX_STARTS

    def start(self) -> None:
        """Start the process."""
        self._started_fd, theirs = os.pipe()
        os.set_blocking(self._started_fd, False)
        self._is_at_work, self._started_at, self._ended_at = False, time.monotonic(), None
        with append_private(self.log) as file:
            # A session of its own: Ctrl-C reaches this process, which then drains its workers.
            self._process = subprocess.Popen(
                [*self._command, "--started-fd", str(theirs)],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=[theirs],
                start_new_session=True,
            )
        os.close(theirs)

    def exit_code(self) -> int | None:
        """Return the exit code of the process that was started last, or None while it runs."""
        if self._process is None:
            return 0
        code = self._process.poll()
        if self._started_fd >= 0:  # after the other look: what has ended by then says no more
            with suppress(BlockingIOError):
                self._is_at_work = os.read(self._started_fd, 1) != b""
                os.close(self._started_fd)
                self._started_fd = -1
        if code is not None and self._ended_at is None:
            self._note_end(code)
        return code

    def restart_if_due(self) -> None:
        """Start another process if one has ended, and the time for the next has come."""
        if self._ended_at is None:
            return
        due = self._started_at + _RESTART_AFTER_S
        if self._n_failed_starts:
            due = self._ended_at + min(
                _LONGEST_PAUSE_S, _FIRST_PAUSE_S * _PAUSE_GROWTH**self._n_failed_starts
            )
        if time.monotonic() >= due:
            self.start()

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process is not None:
            self._process.terminate()

    def last_words(self) -> str:
        """Return the sentence that the process ended with, else the last line of its log."""
        lines = last_bytes(self.log, _LAST_BYTES).decode("utf-8", "replace").strip().split("\n")
        return failure_in(lines) or f"{lines[-1]} (see {self.log})"

    def why_no_start(self) -> str:
        """Return a sentence that says so."""
        code = self._failed_code
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        times = f"{self._n_failed_starts} times in a row"
        return f"The local worker cannot start: it ended {how} {times}: {self.last_words()}"

    def _note_end(self, code: int) -> None:
        self._ended_at = time.monotonic()
        # A database that is away ends a worker that starts meanwhile, and is waited for.
        if self._is_at_work or code == StoreUnavailableError.exit_code:
            self._n_failed_starts = 0
        else:
            self._n_failed_starts, self._failed_code = self._n_failed_starts + 1, code
