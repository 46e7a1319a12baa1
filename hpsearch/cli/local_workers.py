"""Worker processes on this machine for ``hpsearch run``."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from types import TracebackType

from hpsearch.cli.process import failure_in
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
from hpsearch.runtime.store_uri import STORE, STORE_FILE

log = logging.getLogger(__name__)

#: Least seconds between two starts of a worker that dies while it evaluates.
_RESTART_AFTER_S = 2.0

#: Failed starts in a row after which a worker cannot start; the pauses after failed starts, in seconds.
_MAX_STARTS = 3
_FIRST_PAUSE_S, _PAUSE_GROWTH, _LONGEST_PAUSE_S = 0.25, 2.0, 60.0

#: Seconds between two checks of workers that end.
_POLL_S = 0.05

#: Bytes at the end of a worker's log that are searched for the sentence that it failed with.
_TAIL_BYTES = 64 * 1024

#: Variables of the options that make a worker leave although there is work.
_LEAVING = tuple(
    f"HPSEARCH_WORKER_{name}" for name in ("BURST", "MAX_TRIALS", "MAX_IDLE", "MAX_RUNTIME", "CLAIM_FOR")
)

#: Errors, by exit code of a worker, that another start would only repeat.
_FATAL: dict[int | None, type[HpsearchError]] = {
    2: ConfigurationError,  # wrong usage: HPSEARCH_WORKER_*
    **{
        kind.exit_code: kind
        for kind in (LoadError, TooManyFailuresError, StorePermissionError, ConfigurationError)
    },
}


def gpus_of_workers(choice: str | None, n: int, environment: Mapping[str, str]) -> list[str] | None:
    """Return the ``--gpus`` of each local worker, so that no two workers share a GPU.

    Parameters
    ----------
    choice : str, optional
        The ``--gpus`` of all of them; by default, HPSEARCH_WORKER_GPUS.
    n : int
        Number of workers.
    environment : mapping
        The environment variables, from which the workers take their other options.

    Raises
    ------
    ConfigurationError
        If there are fewer GPUs than concurrent trials.
    """
    choice = choice or environment.get("HPSEARCH_WORKER_GPUS")
    if not choice:
        return None
    n_slots = slots_of_worker(environment)
    shares = assign_gpus(find_gpus(choice, environment), n * n_slots)
    return [",".join(shares[i * n_slots : (i + 1) * n_slots]).strip(",") or "none" for i in range(n)]


def slots_of_worker(environment: Mapping[str, str]) -> int:
    """Return the number of concurrent trials of a local worker; the worker reports an invalid number."""
    concurrency = environment.get("HPSEARCH_WORKER_CONCURRENCY", "")
    return int(concurrency) if concurrency.isdecimal() else 1


class LocalWorkers:
    """Keeps workers running; a context manager that drains them at the end.

    Parameters
    ----------
    n : int
        Number of workers.
    uri : str
        The database; passed in the environment, which other users cannot read.
    exp_key : str
        The experiment to serve.
    log_dir : Path
        Folder of the logs of the workers.
    drain_timeout_s : float
        Seconds for running trials to finish when the workers end.
    auth_patience_s : float
        Seconds for which the workers retry while MongoDB refuses the user.
    store_file : str, optional
        File with the URI; the workers read it again when it has changed.
    is_forced : callable
        Called while running trials finish; True makes the workers release them at once.
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
        self._may_leave = any(self._env.get(name) for name in _LEAVING)
        self._workers: list[_LocalWorker] = []
        self._reported: list[_LocalWorker] = []  # whose failure to start was logged

    def __enter__(self) -> LocalWorkers:
        own_folder(self._log_dir.parent)
        private_folder(self._log_dir, mark=LOG_FILES)
        for i in range(self._n):
            path = self._log_dir / f"worker-{i + 1}.log"
            append_private(path).close()  # raises if the file belongs to another user
            try:
                if path.stat().st_size:
                    rotate(path)
            except OSError as error:
                text = f"The logs {path}.N cannot be renamed: {error.strerror}; move them away."
                raise ConfigurationError(text) from error
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
            # A worker ignores a second signal that follows too soon, as an echo of the first.
            if self._is_forced() and time.monotonic() - asked_at >= ECHO_S:
                self._terminate()
                asked_at = time.monotonic()
            time.sleep(_POLL_S)

    @property
    def n_starting(self) -> int:
        """Number of workers whose process runs, but has not started to take trials."""
        return sum(worker.is_starting for worker in self._workers)

    def check(self) -> None:
        """Restart workers that died, or were ended by a signal.

        Raises
        ------
        HpsearchError
            If a worker failed with an error that a restart would repeat, or if no worker can start.
        """
        for worker in self._workers:
            code = worker.exit_code()
            if code in _FATAL:
                raise _FATAL[code](worker.failure_text())
            if code != 0 or not self._may_leave:  # without such options, a signal ended it
                worker.restart_if_due()
        self._check_starts()
        if self._may_leave and self._workers and all(worker.exit_code() == 0 for worker in self._workers):
            text = "All local workers have left because of their own options (HPSEARCH_WORKER_*)."
            raise ConfigurationError(text)

    def _check_starts(self) -> None:
        """Raise if no worker can start; log a worker that cannot start while others run."""
        failing = [worker for worker in self._workers if worker.cannot_start]
        if failing and len(failing) == len(self._workers):
            raise ConfigurationError(failing[0].start_failure())
        for worker in failing:
            if worker not in self._reported:
                self._reported.append(worker)
                extra = Event.WORKER_NOT_STARTED.of(log=str(worker.log))
                log.warning("%s", worker.start_failure(), extra=extra)

    def _terminate(self) -> None:
        for worker in self._workers:
            worker.terminate()

    def _command(self, i: int, path: Path) -> list[str]:
        options = {
            "--exp-key": self._exp_key,
            "--drain-timeout": f"{self._drain_timeout_s:.3f}s",
            "--auth-patience": f"{self._auth_patience_s:.3f}s",
            "--parent": str(os.getpid()),
            "--log-file": str(path),
        }
        if is_json():
            options["--log-format"] = "json"
        if self._gpus is not None:
            options["--gpus"] = self._gpus[i]
        if name := os.environ.get("HPSEARCH_WORKER_NAME"):
            options["--name"] = f"{name}-{i + 1}"
        # -P: modules in the working folder must not shadow those of a library.
        return [sys.executable, "-P", "-m", "hpsearch", "worker", *chain.from_iterable(options.items())]


class _LocalWorker:
    """One worker: its current process, and the number of failed starts."""

    def __init__(self, command: list[str], env: Mapping[str, str], path: Path) -> None:
        self._command, self._env, self.log = command, env, path
        self._process: subprocess.Popen[bytes] | None = None
        self._started_fd = -1  # the process writes a byte when it has started
        self._has_started = False
        self._started_at = 0.0
        self._ended_at: float | None = None  # when the end of the process was noticed
        self._n_failed_starts = 0  # in a row
        self._failed_code = 0

    @property
    def cannot_start(self) -> bool:
        """Whether the last starts all ended before the worker had started."""
        return self._n_failed_starts >= _MAX_STARTS

    @property
    def is_starting(self) -> bool:
        """Whether the process runs, but has not reported that it has started."""
        return self.exit_code() is None and not self._has_started

    def start(self) -> None:
        """Start the process."""
        self._started_fd, theirs = os.pipe()
        os.set_blocking(self._started_fd, False)
        self._has_started, self._started_at, self._ended_at = False, time.monotonic(), None
        with append_private(self.log) as file:
            # In a new session, Ctrl-C reaches only this process, which then drains its workers.
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
        """Return the exit code of the last process, or None while it runs."""
        if self._process is None:
            return 0
        code = self._process.poll()
        if self._started_fd >= 0:  # after poll(): an ended process writes no more
            with suppress(BlockingIOError):
                self._has_started = os.read(self._started_fd, 1) != b""
                os.close(self._started_fd)
                self._started_fd = -1
        if code is not None and self._ended_at is None:
            self._note_end(code)
        return code

    def restart_if_due(self) -> None:
        """Start the next process if the last one has ended and the pause is over."""
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

    def failure_text(self) -> str:
        """Return the sentence that the process failed with, or the last line of its log."""
        lines = last_bytes(self.log, _TAIL_BYTES).decode("utf-8", "replace").strip().split("\n")
        return failure_in(lines) or f"{lines[-1]} (see {self.log})"

    def start_failure(self) -> str:
        """Return why the worker cannot start."""
        code = self._failed_code
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        times = f"{self._n_failed_starts} times in a row"
        return f"The local worker cannot start: it ended {how} {times}: {self.failure_text()}"

    def _note_end(self, code: int) -> None:
        self._ended_at = time.monotonic()
        # A start while the database is away is not the worker's failure.
        if self._has_started or code == StoreUnavailableError.exit_code:
            self._n_failed_starts = 0
        else:
            self._n_failed_starts, self._failed_code = self._n_failed_starts + 1, code
