"""Stores and loads the checkpoints of a trial, in a thread for which neither the slot nor a renewal waits."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hpsearch.core.trial import Trial
from hpsearch.errors import HpsearchError, LeaseLostError
from hpsearch.objective.checkpoint import Checkpoint, LoadCheckpoint, SaveCheckpoint
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

log = logging.getLogger(__name__)

#: Sends the answer to a question of the objective.
Answer = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Job:
    """A question of the objective about checkpoints."""

    question: SaveCheckpoint | LoadCheckpoint
    answer: Answer


class CheckpointWriter:
    """Handles the checkpoints of one claimed trial, one after the other.

    While MongoDB is away, only the latest checkpoint waits for it.

    Parameters
    ----------
    store : TrialStore
        Holds the trial.
    trial : Trial
        As it was claimed.
    before_save : callable
        Called before the trial points at a new checkpoint; writes the reports so far.
    on_lost : callable
        Called if another worker has the trial.
    """

    def __init__(
        self, store: TrialStore, trial: Trial, before_save: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self._store, self._trial = store, trial
        self._before_save, self._on_lost = before_save, on_lost
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._is_busy = self._is_over = False
        self._thread: threading.Thread | None = None
        self.has_files = trial.checkpoint is not None  #: whether the store may have files of the trial

    def put(self, question: SaveCheckpoint | LoadCheckpoint, answer: Answer) -> None:
        """Handle a question soon; a checkpoint that still waits is replaced by a later one.

        Parameters
        ----------
        question : SaveCheckpoint or LoadCheckpoint
            What the objective asks.
        answer : callable
            Sends the answer: whether it was saved, or the checkpoint or None.
        """
        with self._changed:
            waiting = [job for job in self._jobs if isinstance(job.question, SaveCheckpoint)]
            if isinstance(question, SaveCheckpoint):
                self.has_files = True
                for job in waiting:
                    self._jobs.remove(job)
            else:
                waiting = []
            self._jobs.append(_Job(question, answer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        for job in waiting:
            _send(job.answer, False)

    def wait(self, timeout_s: float) -> None:
        """Wait until everything so far is handled, or some seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._jobs or self._is_busy), timeout_s)

    def close(self) -> None:
        """Drop what still waits, and end the thread after what it is doing."""
        with self._changed:
            self._is_over = True
            jobs, self._jobs = self._jobs, deque()
            self._changed.notify_all()
        for job in jobs:
            _send(job.answer, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._jobs or self._is_over)
                if not self._jobs:
                    return
                job, self._is_busy = self._jobs.popleft(), True
            _send(job.answer, self._answer(job.question))

    def _answer(self, question: SaveCheckpoint | LoadCheckpoint) -> Any:
        try:
            return self._save(question) if isinstance(question, SaveCheckpoint) else self._load()
        except LeaseLostError:
            self._on_lost()
        except HpsearchError as error:
            log.warning(
                "a checkpoint of trial %s was not %s: %s",
                self._trial.id,
                "stored" if isinstance(question, SaveCheckpoint) else "read",
                error,
                extra=Event.CHECKPOINT_FAILED.about(self._trial, error=str(error)),
            )
        except Exception as error:
            log.exception(
                "a checkpoint of trial %s failed",
                self._trial.id,
                extra=Event.CHECKPOINT_FAILED.about(self._trial, error=str(error)),
            )
        return None

    def _save(self, question: SaveCheckpoint) -> bool:
        self._before_save()
        self._store.save_checkpoint(self._trial, question.step, data=question.data, path=question.path)
        return True

    def _load(self) -> Checkpoint | None:
        pointer = self._trial.checkpoint
        if pointer is None:
            return None
        data = None if pointer.file is None else self._store.checkpoint_data(self._trial)
        return Checkpoint(step=pointer.step, data=data, path=pointer.path)


def _send(answer: Answer, value: Any) -> None:
    """Send an answer, unless the evaluating process has ended."""
    with suppress(OSError):
        answer(value)
