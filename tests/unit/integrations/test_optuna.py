"""Studies of Optuna, read without it and taken over."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpsearch
from hpsearch import hp
from hpsearch.core.experiment import ASKED
from hpsearch.core.goal import Goal
from hpsearch.core.trial import State
from hpsearch.errors import ConfigurationError, ExperimentMismatchError, LoadError, SpaceError
from hpsearch.integrations.optuna.space import reconstruct
from hpsearch.integrations.optuna.study import (
    Distribution,
    Options,
    Range,
    Study,
    StudyTrial,
    Suggested,
    TrialState,
    distribution_of,
)
from hpsearch.objective.space_table import space_of
from hpsearch.optuna import import_study, study_of
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore

#: A study that Optuna 5.0.0 made with scripts/compat/optuna/study.py: 25 trials in all states.
DATA = Path(__file__).parent / "data"

COUNT = Range(low=1, high=4, step=1, is_integer=True)
UNIT = Range(low=0, high=1)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / "study.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATA / "optuna_study.sql").read_text())
    return path


@pytest.fixture(params=["sqlite", "journal"])
def study(request: pytest.FixtureRequest, database: Path) -> Study:
    return study_of(f"sqlite:///{database}" if request.param == "sqlite" else DATA / "optuna_study.log")


def trial(
    number: int, state: TrialState = TrialState.COMPLETE, **params: tuple[Any, Distribution]
) -> StudyTrial:
    return StudyTrial(
        number=number,
        state=state,
        params={label: Suggested(*one) for label, one in params.items()},
        values=(float(number),) if state is TrialState.COMPLETE else (),
    )


def demo(*trials: StudyTrial, maximizes: tuple[bool, ...] = (False,)) -> Study:
    return Study(name="demo", maximizes=maximizes, trials=trials)


def labels_of(option: int, trials: list[StudyTrial], parent: str) -> set[str]:
    """Return what is active under an option in the reconstructed space."""
    space = Space(space_of(reconstruct(trials).document))
    return set(space.active({parent: option}))


def test_trials_keep_their_outcome(study: Study) -> None:
    store = MemoryStore()
    done = import_study(store, study)
    trials = {each.origin: each for each in store.trials("demo")}
    assert done.counts == {State.DONE: 19, State.PRUNED: 1, State.FAILED: 1, State.PENDING: 2}
    assert store.experiment("demo").goal == Goal(maximize=True)
    first, source = trials["optuna:0"], study.trials[0]
    assert first.loss == -source.values[0]
    assert first.result == {"loss": source.values[0], "status": "ok", "user_attrs": {"host": "node-0"}}
    assert [(r.step, r.value) for r in first.reports] == [(s, -v) for s, v in source.reports.items()]
    assert source.ended_at - first.finished_at < timedelta(milliseconds=1)  # what a store keeps
    assert first.duration_s == (source.ended_at - source.started_at).total_seconds()
    assert first.params["lr"] == source.params["lr"].value
    assert trials["optuna:7"].loss == -math.inf
    assert (trials["optuna:4"].pruned, len(trials["optuna:4"].reports)) == ("pruned in Optuna", 3)
    assert trials["optuna:5"].error.message == "The trial failed in Optuna."


def test_trials_that_cannot_be_taken_over_are_named(study: Study) -> None:
    assert import_study(MemoryStore(), study).skipped == [
        "Trial 6 (fail): The parameter 'amp' is missing.",
        "Trial 22 is still running; import again when it has ended.",
    ]


def test_an_enqueued_trial_keeps_its_fixed_parameters(study: Study) -> None:
    store = MemoryStore()
    import_study(store, study)
    pending = {each.origin: each.params for each in store.trials("demo") if each.state is State.PENDING}
    fixed = pending["optuna:23"]
    assert (fixed["lr"], fixed["model"], fixed["C"]) == (0.02, "svc", 1.0)
    assert pending["optuna:24"]["lr"] == 0.03


def test_the_space_has_the_values_of_the_objective(study: Study) -> None:
    space = Space(space_of(import_study(MemoryStore(), study).space))
    for label, node in {
        "lr": hp.loguniform("lr", math.log(1e-5), math.log(1e-1)),
        "momentum": hp.uniform("momentum", 0, 0.9),  # the union of two ranges
    }.items():
        assert space.nodes[label].distribution == node.distribution
    rng = np.random.default_rng(0)
    configs = [space.config(space.sample(rng)) for _ in range(400)]
    assert {config["epochs"] for config in configs} == {10}
    assert {config["kernel"] for config in configs} == {3, 5, 7, 9}
    assert {config["amp"] for config in configs} == {True, False}
    assert {config["batch"] for config in configs} >= {1, 2, 3, 63, 64}
    assert {type(config["batch"]) for config in configs} == {int}
    assert {round(config["dropout"], 6) for config in configs} == {0, 0.1, 0.2, 0.3, 0.4, 0.5}
    parts = [config["model"] for config in configs]
    of_svc = [part for part in parts if part["model"] == "svc"]
    of_mlp = [part for part in parts if part["model"] == "mlp"]
    assert all(part.keys() == {"model", "C"} for part in of_svc)
    assert {part["units_0"] for part in of_mlp} == {16, 32, 48, 64}
    for part in of_mlp:
        layers = part["n_layers"]
        assert layers.keys() == {"n_layers", *(f"units_{i}" for i in range(1, layers["n_layers"]))}
    assert all(part == {"model": None} for part in parts if part["model"] is None)


def test_both_storages_tell_the_same(database: Path) -> None:
    one, other = study_of(database), study_of(DATA / "optuna_study.log")
    assert [(t.state, t.params, t.reports) for t in one.trials] == [
        (t.state, t.params, t.reports) for t in other.trials
    ]
    assert one.user_attrs == other.user_attrs == {"team": "vision"}


def test_importing_again_adds_only_what_is_new(study: Study) -> None:
    store = MemoryStore()
    import_study(store, replace(study, trials=study.trials[:20]))
    again = import_study(store, study)
    assert (again.n_here, sum(again.counts.values())) == (19, 4)
    assert [each.tid for each in store.trials("demo")] == list(range(23))
    assert sum(import_study(store, study).counts.values()) == 0


def test_a_trial_beyond_the_space_of_an_earlier_import_is_refused() -> None:
    store, source = MemoryStore(), demo(trial(0, x=(0.5, UNIT)), trial(1, x=(0.2, UNIT)))
    import_study(store, source)
    grown = replace(source, trials=[*source.trials, trial(2, x=(3.0, Range(low=0, high=9)))])
    with pytest.raises(SpaceError, match=r"Trial 2.*The space is that of an earlier import"):
        import_study(store, grown)


def test_ask_and_tell_go_on_with_it(study: Study) -> None:
    store = MemoryStore()
    import_study(store, study)
    with hpsearch.open(store, "demo", max_evals=25, algo="random", seed=3) as search:
        origins = []
        for asked in search:
            asked.tell(1.5)
            origins.append(store.trial("demo", asked.tid).origin)
        assert origins == ["optuna:23", "optuna:24", "random", "random"]
    experiment = store.experiment("demo")
    assert (experiment.objective, experiment.algorithm.name, experiment.seed) == (ASKED, "random", 3)
    assert experiment.goal == Goal(maximize=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 1.0}}', UNIT),
        (
            '{"name": "LogUniformDistribution", "attributes": {"low": 0.1, "high": 1.0}}',
            Range(low=0.1, high=1, is_log=True),
        ),
        (
            '{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 1.0, "q": 0.5}}',
            Range(low=0, high=1, step=0.5),
        ),
        ('{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 4, "step": 1}}', COUNT),
        (
            '{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 4, "step": 1}}',
            replace(COUNT, is_log=True),
        ),
    ],
)
def test_distributions_of_older_versions_are_known(text: str, expected: Range) -> None:
    assert distribution_of(text) == expected


def test_a_count_decides_from_some_number_on_also_where_no_trial_has_it() -> None:
    trials = [
        trial(i, n=(n, COUNT), **({"x": (0.5, UNIT)} if n >= 2 else {})) for i, n in enumerate([1, 2, 4])
    ]
    active = [labels_of(option, trials, "n") for option in range(4)]
    assert active == [{"n"}, {"n", "x"}, {"n", "x"}, {"n", "x"}]


def test_a_trial_that_did_not_end_says_nothing_about_what_it_lacks() -> None:
    kind = Options(("a", "b"))
    trials = [
        trial(0, kind=("a", kind), x=(0.5, UNIT)),
        trial(1, TrialState.FAIL, kind=("a", kind)),
        trial(2, TrialState.PRUNED, kind=("a", kind)),
        trial(3, kind=("b", kind)),
    ]
    assert labels_of(0, trials, "kind") == {"kind", "x"}
    assert labels_of(1, trials, "kind") == {"kind"}


def test_conditions_that_no_parameter_explains_need_a_written_space() -> None:
    source = demo(trial(0, x=(0.5, UNIT), y=(0.25, UNIT)), trial(1, x=(0.5, UNIT)))
    with pytest.raises(SpaceError, match=r"'y' is missing in complete trials \(such as 1\).*--space"):
        import_study(MemoryStore(), source)
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})
    with pytest.raises(SpaceError, match=r"Trial 1 \(complete\): The parameter 'y' is missing"):
        import_study(MemoryStore(), source, space=space)
    done = import_study(MemoryStore(), source, space=space, skips_invalid=True)
    assert (sum(done.counts.values()), len(done.skipped)) == (1, 1)


def test_a_long_grid_that_does_not_contain_zero_loses_its_step() -> None:
    grid = Range(low=1, high=1001, step=2, is_integer=True)
    found = reconstruct([trial(0, n=(1, grid)), trial(1, n=(1001, grid))])
    assert found.document == {"space": {"n": {"dist": "randint", "low": 1, "high": 1002}}}
    assert found.notes == ["n: the step 2 is left out."]


def test_parameters_may_have_any_name() -> None:
    trials = [trial(i, dist=(0.5, UNIT), choice=(0.5, UNIT), label=(0.5, UNIT)) for i in range(2)]
    assert set(Space(space_of(reconstruct(trials).document)).nodes) == {"dist", "choice", "label"}


def test_of_several_values_one_is_the_loss() -> None:
    source = demo(replace(trial(0, x=(0.5, UNIT)), values=(3.0, 0.25)), maximizes=(False, True))
    with pytest.raises(ConfigurationError, match="has 2 values; choose"):
        import_study(MemoryStore(), source)
    store = MemoryStore()
    import_study(store, source, objective=1)
    [only] = store.trials("demo")
    assert (only.loss, only.result["values"]) == (-0.25, [3.0, 0.25])


def test_a_search_with_another_goal_is_not_joined() -> None:
    store, source = MemoryStore(), demo(trial(0, x=(0.5, UNIT)))
    import_study(store, source)
    with pytest.raises(ExperimentMismatchError, match=r"minimises the returned value.*maximises"):
        import_study(store, replace(source, maximizes=(True,)))


def test_void_operations_of_a_journal_are_ignored(tmp_path: Path) -> None:
    unit = json.dumps(
        {"name": "FloatDistribution", "attributes": {"low": 0, "high": 1, "step": None, "log": False}}
    )
    text = json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": ["a"]}})
    start = {"op_code": 4, "study_id": 0, "datetime_start": "2026-01-01T00:00:00"}
    param = {"op_code": 5, "param_name": "x", "param_value_internal": 0.5, "distribution": unit}
    end = {
        "op_code": 6,
        "trial_id": 0,
        "state": 1,
        "values": [2.0],
        "datetime_complete": "2026-01-01T00:00:01",
    }
    operations = [
        {"op_code": 0, "study_name": "a", "directions": [1]},
        {"op_code": 0, "study_name": "a", "directions": [2]},  # a second process was too late
        start,
        {**param, "trial_id": 0},
        end,
        {**end, "values": [9.0]},  # the trial has ended
        start,
        {**param, "trial_id": 1, "param_value_internal": 0, "distribution": text},  # contradicts the first
    ]
    path = tmp_path / "journal.log"
    path.write_text("".join(json.dumps(one) + "\n" for one in operations) + '{"op_code": 4, "stu')
    found = study_of(path)
    assert found.maximizes == (False,)
    assert [one.values for one in found.trials] == [(2.0,), ()]
    assert [set(one.params) for one in found.trials] == [{"x"}, set()]


def test_what_is_no_study_is_refused(tmp_path: Path, database: Path) -> None:
    for name, content, words in (
        ("none", None, "There is no study in .*none"),
        ("text", b"hello\n", "cannot be read as a journal of Optuna"),
        ("broken", b"SQLite format 3\0" + b"x" * 100, "cannot be read as a storage of Optuna"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(LoadError, match=words):
            study_of(tmp_path / name)
    with pytest.raises(LoadError, match="no study 'other'; it has: 'demo'"):
        study_of(database, "other")


def test_a_storage_of_an_older_version_has_to_be_converted(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATA / "optuna_study.sql").read_text())
        connection.execute("UPDATE version_info SET schema_version = 10")
        connection.commit()
    with pytest.raises(LoadError, match=r"version 10 of Optuna's tables.*optuna storage upgrade"):
        study_of(path)


def test_other_databases_need_optuna_and_stay_secret() -> None:
    with pytest.raises(LoadError) as refused:
        study_of("postgresql://me:hunter2@db.example.invalid/studies")
    assert "hunter2" not in str(refused.value)
