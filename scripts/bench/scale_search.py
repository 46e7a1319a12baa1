"""The searches that ``scale.py`` measures, each in a separate database, with any number of trials."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from crowd import EXP_KEY

from hpsearch.core.experiment import Budget, Experiment
from hpsearch.core.trial import Holder, State, Trial
from hpsearch.objective.loading import load, parse_space, parse_target
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore

SOURCE = """
from hpsearch import hp

space = {
    **{f"x{i}": hp.uniform(f"x{i}", -2, 3) for i in range(4)},
    **{f"rate{i}": hp.loguniform(f"rate{i}", -7, 0) for i in range(3)},
    "units": hp.quniform("units", 16, 256, 16),
    "model": hp.choice("model", [{"kind": "a"}, {"kind": "b", "depth": hp.uniformint("depth", 1, 9)}]),
}

def objective(config):
    return 0.0
"""

#: Seconds that each initial finished trial took, and number of trials that finished per second.
_TOOK_S, _PER_S = 20.0, 50.0


@dataclass(frozen=True)
class Search:
    """One search."""

    uri: str  #: with its database
    target: Path
    store: MongoStore
    space: Space

    @contextmanager
    def coordinated(self) -> Iterator[int]:
        """Run ``hpsearch coordinator``; yields its PID."""
        command = [sys.executable, "-m", "hpsearch", "coordinator", str(self.target), "--exp-key", EXP_KEY]
        environment = {**os.environ, "HPSEARCH_STORE": self.uri}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()

    def new(self, n: int) -> list[Trial]:
        """Return new trials at random points, not yet in the store."""
        first, rng = self.newest() + 1, np.random.default_rng(n)
        points = [self.space.sample(rng) for _ in range(n)]
        trial = Trial(exp_key=EXP_KEY, tid=first, values={}, origin="tpe")
        return [
            replace(trial, tid=first + i, values=values, params=self.space.params(values))
            for i, values in enumerate(points)
        ]

    def newest(self) -> int:
        """Return the highest number of a trial; -1 without trials."""
        return max((trial.tid for trial in self.store.trials(EXP_KEY, sort="newest", limit=1)), default=-1)


def opened(uri: str, target: Path, n_finished: int) -> Search:
    """Create a search with finished trials in a new database."""
    at = uri.replace("/hpsearch?", f"/scale_{n_finished}?")
    objective = parse_target(str(target))
    space = Space(load(parse_space(objective, None)))
    search = Search(at, target, MongoStore.connect(at, patience=Patience(30)), space)
    search.store.open_experiment(
        Experiment(
            exp_key=EXP_KEY,
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=objective,
            budget=Budget(max_evals=10**9),
        )
    )
    search.store.insert(_finished(search.new(n_finished), search))
    return search


def _finished(trials: list[Trial], search: Search) -> list[Trial]:
    """Return the trials as if workers had evaluated them, without claim tokens."""
    now, rng = search.store.now(), np.random.default_rng(0)
    done = []
    for i, (trial, loss) in enumerate(zip(trials, rng.random(len(trials)).tolist(), strict=True)):
        began = now - timedelta(seconds=(len(trials) - i) / _PER_S + _TOOK_S)
        done.append(
            replace(
                trial,
                state=State.DONE,
                attempt=1,
                worker=Holder(name="crowd-1234-567", host="machine", pid=1234),
                created_at=began,
                claimed_at=began,
                heartbeat_at=began,
                finished_at=began + timedelta(seconds=_TOOK_S),
                duration_s=_TOOK_S,
                loss=loss,
                result={"loss": loss, "status": "ok"},
            )
        )
    return done
