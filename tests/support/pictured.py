"""Searches of which pictures are made: nested with all kinds of trials, empty, wide, and very long."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.trial import FINISHED, Failure, FailureKind, Holder, Invalid, Report, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.report.plotdata.search import SearchData, search_arrays
from hpsearch.space.tree import Space, Values
from hpsearch.store.protocol import TrialStore
from tests.support.declared_outcomes import declared

START = datetime(2026, 1, 1, tzinfo=UTC)

#: Three models with parameters of their own; a hostile name, None among options, all kinds of numbers.
NESTED = Space(
    {
        "lr": hp.loguniform("lr", math.log(1e-5), 0),
        "model": hp.choice(
            "model",
            [
                {
                    "kind": "svm",
                    "C": hp.lognormal("C", 0, 2),
                    "kernel": hp.choice("kernel", ["linear", "rbf"]),
                },
                {
                    "kind": "mlp",
                    "layers": hp.quniform("layers", 1, 6, 1),
                    "units": hp.quniform("units", 16, 512, 16),
                    "act": hp.choice("act", ["relu", None, "<b>tanh</b> & more"]),
                },
                {"kind": "forest", "depth": hp.uniformint("depth", 2, 40)},
            ],
        ),
    }
)


def nested_loss(values: Values) -> float:
    """Return a loss that every parameter but ``act`` changes; the best model is the second."""
    loss = 0.05 * (math.log10(values["lr"]) + 2.3) ** 2
    match values["model"]:
        case 0:
            return loss + 0.25 + 0.02 * abs(math.log(values["C"])) + 0.05 * (values["kernel"] == 0)
        case 1:
            return loss + 0.05 + 0.02 * abs(values["layers"] - 3) + 0.1 * (values["units"] / 512 - 0.5) ** 2
    return loss + 0.3 + 0.002 * abs(values["depth"] - 12)


def nested_trials(n: int = 60, exp_key: str = "nested") -> list[Trial]:
    """Return random trials: failed, infinite, invalid, running and pending ones among those with a loss."""
    rng = np.random.default_rng(7)
    return [_trial(exp_key, tid, n, NESTED.sample(rng)) for tid in range(n)]


def wide_space(n: int = 60) -> Space:
    """Return a space of many parameters, each third a choice."""
    return Space(
        [
            hp.choice(f"block_{i}_activation", ["relu", "gelu", "an option with a long name"])
            if i % 3 == 0
            else hp.uniform(f"block_{i}_weight_decay", 0, 1)
            for i in range(n)
        ]
    )


def search_data(
    trials: list[Trial], space: Space = NESTED, goal: Goal = LOSS, labels: tuple[str, ...] = ()
) -> SearchData:
    """Return what pictures need, without what a model of the losses would say."""
    return SearchData(
        arrays=search_arrays(trials[0].exp_key if trials else "empty", space, trials, goal),
        now=(START + timedelta(hours=1)).timestamp(),
        recent=tuple(reversed(trials)),
        reporting=tuple(trial for trial in trials if trial.reports),
        labels=labels,
    )


def long_data(n: int = 100_000) -> SearchData:
    """Return a random search of many trials, made as columns."""
    rng = np.random.default_rng(3)
    space = Space({"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", "b"])})
    few = search_arrays("long", space, [])
    values = np.column_stack([rng.random(n), rng.integers(0, 2, n)])[:, [few.column("x"), few.column("c")]]
    x, c = values[:, few.column("x")], values[:, few.column("c")]
    losses = (x - 0.3) ** 2 + 0.1 * c + 0.02 * rng.random(n)
    losses[::1000] = 1e6
    losses[::50] = np.nan
    codes = np.where(np.isnan(losses), list(State).index(State.FAILED), list(State).index(State.DONE))
    return SearchData(
        arrays=type(few)(
            exp_key="long",
            space=space,
            goal=LOSS,
            tids=np.arange(n),
            states=codes,
            losses=losses,
            is_invalid=np.zeros(n, dtype=bool),
            values=values,
            active=np.ones((n, 2), dtype=bool),
            outcomes=None,
            objectives=np.zeros((n, 0)),
            is_infeasible=np.zeros(n, dtype=bool),
        )
    )


def front_data(n: int = 60, *objectives: str) -> SearchData:
    """Return a search with two objectives, or more, and limits that a part of the trials exceeds."""
    rng = np.random.default_rng(5)
    outcomes = declared(["error:min", "accuracy:max", *objectives], ["error <= 0.4", "gb <= 8"])
    names = outcomes.names
    trials = []
    for trial in nested_trials(n, "front"):
        if trial.state is State.DONE and trial.loss is not None:
            error = float(nested_loss(trial.values))
            losses = {name: error if i == 0 else 0.3 * rng.random() - error for i, name in enumerate(names)}
            violations = {"error": error - 0.4, "gb": rng.random() - 0.8}
            trial = replace(trial, loss=None, losses=losses, violations=violations)  # noqa: PLW2901
        trials.append(trial)
    arrays = search_arrays("front", NESTED, trials, outcomes=outcomes)
    return SearchData(
        arrays=arrays, now=(START + timedelta(hours=1)).timestamp(), recent=tuple(reversed(trials))
    )


def store_nested(store: TrialStore, exp_key: str = "nested", n: int = 60) -> None:
    """Write the nested search to a store, as it is while workers evaluate."""
    experiment = Experiment(
        exp_key=exp_key,
        space=NESTED.to_json(),
        space_fingerprint=NESTED.fingerprint,
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
    )
    store.open_experiment(experiment)
    if not n:
        return
    trials = nested_trials(n, exp_key)
    store.insert([t if t.state is not State.RUNNING else _unclaimed(t) for t in trials])
    for number, trial in enumerate(t for t in trials if t.state is State.RUNNING):
        assert trial.worker is not None
        worker = Worker(name=trial.worker.name, host=trial.worker.host, pid=1, exp_keys=(exp_key,))
        claimed = store.claim(worker, f"token{number}", [exp_key])
        assert claimed is not None
        store.report(claimed, trial.reports)


def _unclaimed(trial: Trial) -> Trial:
    return Trial(exp_key=trial.exp_key, tid=trial.tid, values=trial.values, params=trial.params)


def _trial(exp_key: str, tid: int, n: int, values: Values) -> Trial:
    state, loss = State.DONE, nested_loss(values)
    if tid >= n - 2:
        state = State.PENDING
    elif tid >= n - 4:
        state = State.RUNNING
    elif tid % 9 == 5:
        state = State.FAILED
    elif tid % 23 == 20:
        loss = math.inf
    is_begun, is_finished = state is not State.PENDING, state in FINISHED
    begin = START + timedelta(seconds=30 * (tid // 2))
    curve = tuple(Report(step=s, value=nested_loss(values) + 1 / s) for s in (1.0, 2.0, 4.0))
    return Trial(
        exp_key=exp_key,
        tid=tid,
        values=values,
        params=NESTED.params(values),
        state=state,
        attempt=int(is_begun),
        worker=Holder(name=f"host{tid % 2}-{tid % 2}", host=f"host{tid % 2}", pid=1) if is_begun else None,
        created_at=begin,
        claimed_at=begin if is_begun else None,
        lease_until=begin + timedelta(hours=2) if state is State.RUNNING else None,
        owner="token" if state is State.RUNNING else None,
        finished_at=begin + timedelta(seconds=25) if is_finished else None,
        duration_s=25.0 if is_finished else None,
        loss=loss if state is State.DONE else None,
        result={"loss": loss} if state is State.DONE else {},
        reports=curve if is_begun else (),
        error=Failure(kind=FailureKind.NAN, message="the loss is NaN") if state is State.FAILED else None,
        invalid=Invalid(at=begin, why="wrong data") if tid == 11 else None,
    )
