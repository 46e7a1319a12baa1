"""NumPy scalars from algorithms are stored as plain numbers."""

from typing import Any

import pytest

from hpsearch.hyperopt import Domain, anneal, fmin, hp, pyll, rand, tpe
from hpsearch.hyperopt.base import miscs_update_idxs_vals
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.hyperopt.mongoexp import MongoTrials
from tests.support.importable_objectives import square
from tests.support.thread_worker import ThreadWorker

SPACE = {"x": hp.uniform("x", -5, 5), "k": hp.choice("k", ["a", {"n": hp.randint("n", 9)}])}


def drawn(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
    """Suggest with the graph of the domain, like Hyperopt's random search."""
    memo = {domain.s_new_ids: new_ids[:1], domain.s_rng: pyll.stochastic.rng_from_seed(seed)}
    misc = {"tid": new_ids[0], "cmd": domain.cmd, "workdir": domain.workdir}
    miscs_update_idxs_vals([misc], *pyll.rec_eval(domain.s_idxs_vals, memo=memo))
    return trials.new_trial_docs(new_ids[:1], [None], [domain.new_result()], [misc])


def plain(jobs: MongoJobs, key: str) -> tuple[int, bool]:
    """Whether all values of an experiment's trials are Python numbers."""
    trials = list(jobs.store.trials(key))
    kinds = {type(value) for trial in trials for value in trial.values.values()}
    return len(trials), kinds <= {int, float}


@pytest.mark.parametrize("algo", [tpe.suggest, rand.suggest, anneal.suggest, drawn])
def test_inserted_documents_are_stored_as_plain_numbers(jobs: MongoJobs, algo: Any) -> None:
    trials, domain = MongoTrials(jobs, exp_key="inserted"), Domain(None, SPACE)
    for _ in range(3):
        trials.insert_trial_docs(algo(trials.new_trial_ids(1), domain, trials, 3))
        trials.refresh()
    assert plain(jobs, "inserted") == (3, True)
    assert {type(value) for vals in trials.vals.values() for value in vals} <= {int, float}


def test_an_algorithm_with_the_graph_of_the_domain_runs_on_a_fleet(jobs: MongoJobs) -> None:
    """Points are stored as plain numbers, and points_to_evaluate may have inactive labels."""
    points = [{"x": 0.0, "k": 0, "n": None}, {"x": 1.0, "k": [1], "n": [3]}]
    trials = MongoTrials(jobs, exp_key="searched")
    with ThreadWorker(jobs.store):
        best = fmin(
            square,
            SPACE,
            drawn,
            6,
            trials=trials,
            rstate=1,
            points_to_evaluate=points,
            show_progressbar=False,
        )
    assert plain(jobs, "searched") == (6, True)
    assert best == {"x": 0.0, "k": 0}
