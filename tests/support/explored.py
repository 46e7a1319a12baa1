"""A search that has explored a space, in a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hpsearch.core.experiment import Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, Holder, Report, State, Trial
from hpsearch.store.protocol import TrialStore
from tests.support.sensitivity import NESTED, auto_search

START = datetime(2026, 1, 1, tzinfo=UTC)

#: Each trial takes a minute, and the next begins when it ends.
TRIAL_S = 60.0


def explored_trials(exp_key: str = "explored") -> list[Trial]:
    """Return 100 trials of ``auto`` on a known function, of which each tenth failed on the second host."""
    history, labels = auto_search(NESTED), [p.label for p in NESTED.space.parameters]
    trials = []
    for tid, (row, active, loss) in enumerate(
        zip(history.values, history.active, history.losses, strict=True)
    ):
        values = {k: float(v) for k, v, on in zip(labels, row, active, strict=True) if on}
        values = {k: int(v) if k in {"m", "layers"} else v for k, v in values.items()}
        is_failed = tid % 10 == 9
        end = START + timedelta(seconds=TRIAL_S * (tid + 1))
        error = Failure(kind=FailureKind.EXCEPTION, type="MemoryError", message="no memory left")
        trials.append(
            Trial(
                exp_key=exp_key,
                tid=tid,
                values=values,
                params=NESTED.space.params(values),
                origin="gp",
                state=State.FAILED if is_failed else State.DONE,
                attempt=1,
                worker=Holder(name=f"w{is_failed:d}", host=f"host{is_failed:d}", pid=1),
                created_at=end - timedelta(seconds=TRIAL_S),
                claimed_at=end - timedelta(seconds=TRIAL_S),
                finished_at=end,
                duration_s=TRIAL_S,
                loss=None if is_failed else float(loss),
                result={} if is_failed else {"loss": float(loss)},
                reports=tuple(Report(step=s, value=float(loss) + 1 / s, at=end) for s in (1.0, 2.0, 4.0)),
                error=error if is_failed else None,
            )
        )
    return trials


def store_explored(store: TrialStore, exp_key: str = "explored") -> None:
    """Write such a search to a store, as it was when its budget was spent."""
    experiment = Experiment(
        exp_key=exp_key,
        space=NESTED.space.to_json(),
        space_fingerprint=NESTED.space.fingerprint,
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
    )
    store.open_experiment(experiment)
    store.insert(explored_trials(exp_key))
    store.set_experiment_state(exp_key, ExperimentState.DONE, "max_evals")
