"""Worker processes on this machine, for ``hpsearch run``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from hpsearch.command.exits import last_words
from hpsearch.command.store_choice import STORE, STORE_FILE
from hpsearch.errors import ConfigurationError, LoadError, StorePermissionError, TooManyFailuresError
from hpsearch.gpus import find_gpus, share_out
from hpsearch.interrupt import ECHO_S
from hpsearch.logs import is_json
from hpsearch.mongod.directory import LOG_FILES
from hpsearch.private_file import append_private
from hpsearch.private_folder import own_folder, private_folder

#: Seconds between two starts in the place of a worker that died.
_RESTART_AFTER_S = 2.0

#: Seconds between two looks at workers that end.
_POLL_S = 0.05

#: Bytes at the end of a worker's log in which its last words are looked for.
_LAST_BYTES = 64 * 1024

#: Exit codes after which starting the same worker again would end the same way.
_FATAL = {
    2: ConfigurationError,
    65: LoadError,
    70: TooManyFailuresError,
    77: StorePermissionError,
    78: ConfigurationError,
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
    concurrency = environment.get("HPSEARCH_WORKER_CONCURRENCY", "")
    n_slots = int(concurrency) if concurrency.isdecimal() else 1  # what is no number, the worker refuses
    shares = share_out(find_gpus(choice, environment), n * n_slots)
    return [",".join(shares[i * n_slots : (i + 1) * n_slots]).strip(",") or "none" for i in range(n)]


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
        is_forced: Callable[[], bool],
        gpus: Sequence[str] | None = None,
    ) -> None:
        self._n = n
        self._env = {**os.environ, STORE: uri, STORE_FILE: ""}
        self._exp_key = exp_key
        self._log_dir = log_dir
        self._drain_timeout_s = drain_timeout_s
        self._is_forced = is_forced
        self._gpus = gpus
        self._processes: list[subprocess.Popen[bytes]] = []
        self._started_at = [0.0] * n

    def __enter__(self) -> LocalWorkers:
        own_folder(self._log_dir.parent)
        private_folder(self._log_dir, mark=LOG_FILES)
        for log in map(self._log_file, range(self._n)):
            append_private(log).close()  # refuses what is not ours
            if log.stat().st_size:
                log.replace(log.with_suffix(".log.1"))
        self._processes = [self._start(i) for i in range(self._n)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminate()
        asked_at = time.monotonic()
        while any(process.poll() is None for process in self._processes):
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
            If one ended for a reason that would end the next one too.
        """
        for i, process in enumerate(self._processes):
            code = process.poll()
            if code is None:
                continue
            if code in _FATAL:
                raise _FATAL[code](self._last_words(i))
            if code == 0:
                continue  # its own options told it to leave
            if time.monotonic() - self._started_at[i] >= _RESTART_AFTER_S:
                self._processes[i] = self._start(i)
        if self._processes and all(process.poll() == 0 for process in self._processes):
            text = "All local workers have left, as their own options (HPSEARCH_WORKER_*) told them to."
            raise ConfigurationError(text)

    def _terminate(self) -> None:
        for process in self._processes:
            process.terminate()

    def _start(self, i: int) -> subprocess.Popen[bytes]:
        self._started_at[i] = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "hpsearch_worker",
            "--exp-key",
            self._exp_key,
            "--drain-timeout",
            f"{self._drain_timeout_s:.3f}s",
            "--parent",
            str(os.getpid()),
        ]
        if is_json():
            command += ["--log-format", "json"]
        if self._gpus is not None:
            command += ["--gpus", self._gpus[i]]
        if name := os.environ.get("HPSEARCH_WORKER_NAME"):
            command += ["--name", f"{name}-{i + 1}"]
        with append_private(self._log_file(i)) as log:
            # A session of its own: Ctrl-C reaches this process, which then drains its workers.
            return subprocess.Popen(
                command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log_file(self, i: int) -> Path:
        return self._log_dir / f"worker-{i + 1}.log"

    def _last_words(self, i: int) -> str:
        """Return the sentence that a worker ended with."""
        with self._log_file(i).open("rb") as log:
            # The log also holds what objectives print, which has no limit.
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = log.read().decode("utf-8", "replace").strip().split("\n")
        return last_words(lines) or f"{lines[-1]} (see {self._log_file(i)})"
