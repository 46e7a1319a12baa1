"""A worker in a thread, for tests of the side that leads a search."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime
from types import TracebackType

from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker
from hpsearch.objective.current_trial import Attachment
from hpsearch.store.protocol import TrialStore
from hpsearch_worker.messages import Evaluate, Load, Loaded, ObjectiveEvent
from hpsearch_worker.objective_cache import ObjectiveCache

THREAD_WORKER = Worker(name="hands", host="here", pid=1)


class ThreadWorker:
    """Claims, evaluates and finishes whatever there is, as a worker does, until the block ends."""

    def __init__(self, store: TrialStore, secret: bytes | None = None) -> None:
        self.store = store
        self.objectives = ObjectiveCache(store, secret)
        self.loaded: dict[tuple[str, datetime | None], Loaded] = {}
        self.error: BaseException | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ThreadWorker:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join(120)
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            while not self._is_over.wait(0.005):
                self.store.record_worker(THREAD_WORKER, 60)
                running = {e.exp_key: e for e in self.store.experiments({ExperimentState.RUNNING})}
                trial = self.store.claim(THREAD_WORKER, uuid.uuid4().hex, list(running))
                if trial is not None:
                    self._evaluate(trial, running[trial.exp_key])
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            self.error = error

    def _evaluate(self, trial: Trial, experiment: Experiment) -> None:
        if experiment.identity not in self.loaded:
            load = Load.of(experiment, objectives=self.objectives)
            self.loaded[experiment.identity] = load.load_here()
        words: list[ObjectiveEvent] = []
        current = Evaluate.of(trial).current_trial(words.append)
        result = self.loaded[experiment.identity].evaluate(trial.values, current)
        for word in words:
            if isinstance(word, Attachment):
                self.store.attach(trial.exp_key, word.name, word.data, tid=trial.tid, attempt=trial.attempt)
            else:
                self.store.report(trial, [word])
        self.store.finish(trial, result)
