"""A small search in memory."""

from __future__ import annotations

from typing import Any

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.goal import Goal
from hpsearch.core.trial import Failure, FailureKind, Report, State, Trial
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore

#: The trials that a mirror shows; 3 was cancelled.
WRITTEN = [0, 1, 2, 4]

SPACE = Space({"x": hp.uniform("x", 0, 1), "units": hp.quniform("model.units", 16, 64, 16)})
VALUES = {"x": 0.5, "model.units": 32.0}


def finished_search() -> tuple[MemoryStore, Experiment]:
    """Return a store with a search that has ended, and the search."""
    store = MemoryStore()
    search = store.open_experiment(
        Experiment(
            exp_key="s",
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=ObjectiveRef(kind="import", ref="m:f"),
            goal=Goal(maximize=True),
            state=ExperimentState.STOPPED,
        )
    )
    failure = Failure(kind=FailureKind.EXCEPTION, message="boom", type="ValueError")
    outcomes: list[dict[str, Any]] = [
        {
            "state": State.DONE,
            "loss": -0.75,
            "result": {"loss": 0.75, "status": "ok", "part": {"a?b": 2}, "text": "no number"},
            "reports": (Report(step=1, value=-0.5), Report(step=2, value=-0.75)),
        },
        {"state": State.FAILED, "error": failure},
        {"state": State.PRUNED, "pruned": "too slow"},
        {"state": State.CANCELLED},
        {"state": State.DONE, "loss": -0.5},
    ]
    store.insert(
        [
            Trial(exp_key="s", tid=tid, values=VALUES, params=SPACE.params(VALUES), **outcome)
            for tid, outcome in enumerate(outcomes)
        ]
    )
    return store, search
