"""A nested search with all that a view may meet: failures, NaN, running, invalid and hostile trials."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np

from hpsearch import hp
from hpsearch.core.experiment import Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, Holder, Report, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: What a page must show as text.
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"

#: When the first trial began.
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

SPACE = Space(
    hp.choice(
        "model",
        [
            {
                "kind": "svm",
                "c": hp.loguniform("c", -5, 5),
                "kernel": hp.choice("kernel", ["rbf", HOSTILE, None]),
            },
            {"kind": "forest", "trees": hp.uniformint("trees", 10, 500)},
        ],
    )
)


def add_nested_search(store: TrialStore, exp_key: str, n: int = 60) -> Experiment:
    """Store a search with ``n`` finished trials, of which every 10th failed, and one running and one pending.

    Parameters
    ----------
    store : TrialStore
        Where to store it.
    exp_key : str
        Its name.
    n : int
        Finished trials; 0 for an empty search.
    """
    experiment = store.open_experiment(
        Experiment(
            exp_key=exp_key,
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=ObjectiveRef(kind="import", ref="search:objective"),
            budget=Budget(max_evals=2 * n or None),
        )
    )
    if n == 0:
        return experiment
    rng = np.random.default_rng(0)
    store.insert([_finished(exp_key, tid, rng) for tid in range(n)])
    store.mark_invalid(exp_key, [1], f"a broken machine {HOSTILE}")
    store.insert([_pending(exp_key, tid, rng) for tid in (n, n + 1)])
    worker = Worker(name="anna", host="machine", pid=4711, exp_keys=(exp_key,))
    store.record_worker(worker, 3600)
    running = store.claim(worker, uuid.uuid4().hex, [exp_key])
    assert running is not None
    store.report(running, [Report(step=1, value=0.5)])
    return experiment


def _pending(exp_key: str, tid: int, rng: np.random.Generator) -> Trial:
    values = SPACE.sample(rng)
    return Trial(exp_key=exp_key, tid=tid, values=values, params=SPACE.params(values), lease_s=3600)


def _finished(exp_key: str, tid: int, rng: np.random.Generator) -> Trial:
    trial = _pending(exp_key, tid, rng)
    began = BEGAN + timedelta(seconds=10 * tid)
    loss = _loss(trial)
    is_failed = tid % 10 == 9
    error = Failure(
        kind=FailureKind.NAN if tid % 20 == 19 else FailureKind.EXCEPTION,
        message=f"no {HOSTILE}",
        type="ValueError",
        traceback=f"Traceback (most recent call last):\n  {HOSTILE}",
        log_tail=f"epoch 1 {HOSTILE}",
    )
    return Trial(
        exp_key=exp_key,
        tid=tid,
        values=trial.values,
        params=trial.params,
        state=State.FAILED if is_failed else State.DONE,
        origin="tpe",
        attempt=1,
        worker=Holder(name="anna", host="machine", pid=4711),
        created_at=began,
        claimed_at=began,
        finished_at=began + timedelta(seconds=8),
        duration_s=8.0,
        loss=None if is_failed else loss,
        result={} if is_failed else {"loss": loss, "accuracy": 1 - loss, "note": HOSTILE},
        error=error if is_failed else None,
    )


def _loss(trial: Trial) -> float:
    """Return a loss that depends on one parameter of each branch."""
    if "c" in trial.values:
        return 0.2 + 0.05 * abs(float(np.log10(trial.values["c"])) - 1)
    return 0.3 + 5 / trial.values["trees"]
