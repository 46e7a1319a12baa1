"""``MongoTrials`` without ``fmin``: documents, attachments, counts, several processes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import State
from hpsearch.errors import ConfigurationError, NotFoundError, SpaceError, StoreError
from hpsearch.hyperopt import Trials, base, fmin, fmin_pass_expr_memo_ctrl, hp, pyll, rand
from hpsearch.hyperopt.base import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    TRIAL_KEYS,
    TRIAL_MISC_KEYS,
)
from hpsearch.hyperopt.mongoexp import InvalidMongoTrial, MongoJobs, MongoTrials
from hpsearch.space.tree import Space
from tests.support.importable_objectives import fussy, square, with_ctrl, with_extras
from tests.support.thread_worker import THREAD_WORKER, ThreadWorker
from tests.support.uris import url_of

SPACE = {"x": hp.uniform("x", -5, 5), "k": hp.choice("k", ["a", {"n": hp.uniformint("n", 1, 9)}])}
KEY = "search"


@pytest.fixture
def searched(jobs: MongoJobs) -> MongoTrials:
    """The trials of a search of eight points."""
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, fn=with_extras)
    return trials


def search(trials: MongoTrials | Trials, fn: Any = square, max_evals: Any = 8, space: Any = SPACE) -> Any:
    return fmin(fn, space, rand.suggest, max_evals, trials=trials, rstate=1, show_progressbar=False)


def new_docs(trials: MongoTrials, xs: list[float], tids: Any = None, **result: Any) -> Any:
    """Return documents as a script makes them."""
    tids = trials.new_trial_ids(len(xs)) if tids is None else tids
    miscs = [
        {"tid": tid, "cmd": None, "workdir": None, "idxs": {"x": [tid]}, "vals": {"x": [x]}}
        for tid, x in zip(tids, xs, strict=True)
    ]
    return trials.new_trial_docs(tids, [None] * len(xs), [dict(result) for _ in xs], miscs)


def test_documents_have_the_same_form_as_in_process(searched: MongoTrials) -> None:
    in_process = Trials()
    search(in_process, fn=with_extras)
    first, other = searched.trials[0], in_process.trials[0]
    assert set(TRIAL_KEYS) <= set(first)
    assert set(TRIAL_MISC_KEYS) <= set(first["misc"])
    assert set(first) == set(other) | {"_id"}
    assert set(first["misc"]) == set(other["misc"])
    assert list(first["misc"]["vals"]) == list(other["misc"]["vals"])
    assert first["book_time"] <= first["refresh_time"]
    assert first["book_time"].tzinfo is None
    assert first["owner"] == ["here:1"]
    assert (first["exp_key"], first["state"], first["spec"]) == (KEY, JOB_STATE_DONE, None)


def test_all_attributes_of_trials_work(searched: MongoTrials) -> None:
    """They equal those of ``Trials`` with the same documents."""
    same = base.trials_from_docs(copy.deepcopy(searched.trials), exp_key=KEY)
    for name in ("tids", "specs", "results", "miscs", "idxs_vals", "idxs", "vals", "argmin", "best_trial"):
        assert getattr(searched, name) == getattr(same, name), name
    assert searched.losses() == same.losses()
    assert searched.statuses() == same.statuses() == ["ok"] * 8
    assert searched.average_best_error() == same.average_best_error()
    assert len(searched) == len(list(searched)) == 8
    named, indexed = searched.to_frame(), same.to_frame()  # the space, which names options, is in the store
    assert named.drop(columns="k").equals(indexed.drop(columns="k"))
    assert set(zip(indexed["k"], named["k"], strict=True)) == {(0, "a"), (1, "n")}
    k = searched.argmin["k"]
    assert searched.best_params["k"] == ("a" if k == 0 else searched.best_params["k"])
    assert searched.best_config["x"] == searched.argmin["x"]


def test_a_later_connection_sees_the_same_trials(searched: MongoTrials, jobs: MongoJobs) -> None:
    later = MongoTrials(jobs, exp_key=KEY)
    assert later.trials == searched.trials
    assert later.best_params == searched.best_params
    assert len(MongoTrials(jobs, exp_key=KEY, refresh=False)) == 0
    assert len(MongoTrials(jobs, exp_key="another")) == 0
    assert later.view("another").tids == []
    assert later.view(KEY).tids == later.tids


def test_a_refresh_shows_the_current_states(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    trials.insert_trial_docs(new_docs(trials, [0.1, 0.2, 0.3]))
    assert len(trials) == 0
    trials.refresh()
    assert [doc["state"] for doc in trials] == [JOB_STATE_NEW] * 3
    held = trials.trials[0]
    jobs.store.claim(THREAD_WORKER, "token", [KEY])
    assert trials.count_by_state_unsynced(JOB_STATE_RUNNING) == 1
    trials.refresh_tids([0])
    assert held["state"] == JOB_STATE_RUNNING
    assert trials.count_by_state_synced([JOB_STATE_NEW, JOB_STATE_RUNNING]) == 3
    jobs.store.cancel(KEY, {State.PENDING})
    trials.refresh()
    assert trials.tids == [0]


def test_numbers_reserved_by_two_processes_are_resolved_at_insertion(jobs: MongoJobs) -> None:
    one, other = MongoTrials(jobs, exp_key=KEY), MongoTrials(jobs, exp_key=KEY)
    mine, theirs = new_docs(one, [0.1, 0.2]), new_docs(other, [0.3, 0.4])
    assert one.insert_trial_docs(mine) == [0, 1]
    assert other.insert_trial_docs(theirs) == [2, 3]
    one.refresh()
    assert one.vals["x"] == [0.1, 0.2, 0.3, 0.4]
    assert one.insert_trial_docs(mine) == [0, 1]
    assert one.new_trial_ids(2) == [4, 5]
    assert one.new_trial_ids(1) == [6]


def test_a_number_inserted_late_is_sorted_into_place(jobs: MongoJobs) -> None:
    """Documents are ordered by number, not by time of insertion."""
    one, other = MongoTrials(jobs, exp_key=KEY), MongoTrials(jobs, exp_key=KEY)
    early, late = (
        new_docs(one, [0.1, 0.2], loss=1.0, status="ok"),
        new_docs(other, [0.3], [5], loss=2.0, status="ok"),
    )
    for doc in [*early, *late]:
        doc["state"] = JOB_STATE_DONE
    other.insert_trial_docs(late)
    other.refresh()
    assert other.tids == [5]
    one.insert_trial_docs(early)
    other.refresh()
    assert other.tids == [0, 1, 5]


def test_points_to_evaluate_are_claimed_before_pending_trials(jobs: MongoJobs) -> None:
    trials, space = MongoTrials(jobs, exp_key=KEY), Space({"x": SPACE["x"]})
    trials.insert_trial_docs(new_docs(trials, [0.1, 0.2]))
    experiment = jobs.store.open_experiment(
        Experiment(
            exp_key=KEY,
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=ObjectiveRef(kind="import", ref="m:f"),
        )
    )
    trials.insert_points(experiment, space, [{"x": 0.3}, {"x": 0.2}])
    claimed = [jobs.store.claim(THREAD_WORKER, token, [KEY]) for token in "abc"]
    assert [trial.values["x"] for trial in claimed] == [0.3, 0.1, 0.2]
    assert claimed[0].exp_created_at == experiment.created_at


def test_inserted_done_trials_count_and_are_learned_from(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    space = {"x": hp.uniform("x", -5, 5)}
    done = new_docs(trials, [0.5, 1.5], loss=0.25, status="ok")
    failed = new_docs(trials, [2.5], status="fail")
    broken = new_docs(trials, [3.5])
    for doc in [*done, *failed]:
        doc["state"] = JOB_STATE_DONE
    broken[0].update(state=JOB_STATE_ERROR, misc={**broken[0]["misc"], "error": ("ValueError", "no")})
    trials.insert_trial_docs([*done, *failed, *broken])
    with ThreadWorker(jobs.store):
        search(trials, max_evals=6, space=space)
    assert trials.statuses()[:3] == ["ok", "ok", "fail"]
    assert trials.losses()[:3] == [0.25, 0.25, None]
    assert (trials.tids, trials.count_by_state_unsynced(JOB_STATE_ERROR)) == ([0, 1, 2, 4, 5], 1)


def test_running_or_invalid_documents_are_rejected(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    [doc] = new_docs(trials, [0.5])
    with pytest.raises(InvalidMongoTrial, match="cannot be inserted as running"):
        trials.insert_trial_doc({**doc, "state": JOB_STATE_RUNNING})
    with ThreadWorker(jobs.store):
        search(trials, max_evals=1, space={"x": SPACE["x"]})
    [doc] = new_docs(trials, [99.0])
    with pytest.raises(SpaceError, match="'x'"):
        trials.insert_trial_doc(doc)
    [doc] = new_docs(trials, [0.5], tids=["first"])
    with pytest.raises(InvalidMongoTrial, match=r"0, 1, 2, \.\.\., not 'first'"):
        trials.insert_trial_doc(doc)


def test_attachments_of_a_trial_are_a_mapping(searched: MongoTrials) -> None:
    trial = searched.trials[0]
    attached = searched.trial_attachments(trial)
    assert (list(attached), attached["log"]) == (["log"], b"seen")
    attached["plot"] = b"\0\1"
    assert dict(searched.trial_attachments(trial).items()) == {"log": b"seen", "plot": b"\0\1"}
    del attached["plot"]
    assert len(attached) == 1
    assert "plot" not in attached
    assert attached.get("plot") is None
    for action in (attached.__getitem__, attached.__delitem__):
        with pytest.raises(KeyError, match="plot"):
            action("plot")
    with pytest.raises(StoreError, match="not bytes"):
        attached["plot"] = 3  # type: ignore[assignment]
    assert list(searched.trial_attachments(searched.trials[1])) == ["log"]


def test_attachments_of_the_experiment_are_a_shared_mapping(searched: MongoTrials, jobs: MongoJobs) -> None:
    searched.attachments["notes"] = b"mine"
    assert dict(MongoTrials(jobs, exp_key=KEY).attachments) == {"notes": b"mine"}
    assert dict(MongoTrials(jobs, exp_key="another").attachments) == {}


def test_delete_all_is_seen_by_other_connections(searched: MongoTrials, jobs: MongoJobs) -> None:
    other = MongoTrials(jobs, exp_key=KEY)
    searched.attachments["notes"] = b"mine"
    searched.delete_all()
    searched.delete_all()
    other.refresh()
    assert (len(searched), len(other), dict(searched.attachments)) == (0, 0, {})
    assert searched.new_trial_ids(1) == [0]
    with pytest.raises(NotFoundError):
        jobs.store.experiment(KEY)
    with pytest.raises(ConfigurationError, match=r"delete_all\(cond=\.\.\.\) is not supported"):
        searched.delete_all(cond={"state": 3})


def test_a_recreated_experiment_of_the_same_name_is_reloaded(searched: MongoTrials, jobs: MongoJobs) -> None:
    assert searched.best_params["x"] == searched.argmin["x"]
    other = MongoTrials(jobs, exp_key=KEY)
    other.delete_all()
    with ThreadWorker(jobs.store):
        search(other, max_evals=2, space={"x": hp.choice("x", [7])})
    searched.refresh()
    assert searched.trials == other.trials
    assert searched.best_params == {"x": 7}


def test_mongo_jobs_counts_the_jobs_of_all_searches_by_state(jobs: MongoJobs) -> None:
    one, other = MongoTrials(jobs, exp_key="one"), MongoTrials(jobs, exp_key="other")
    with ThreadWorker(jobs.store):
        search(one, max_evals=3)
        search(other, fn=fussy, max_evals=20, space={"x": SPACE["x"]})
    other.insert_trial_docs(new_docs(other, [0.1, 0.2]))
    jobs.store.claim(THREAD_WORKER, "token", ["other"])
    n_error = 20 - other.count_by_state_unsynced(JOB_STATE_DONE)
    counts = [
        jobs.jobs_complete(),
        jobs.jobs_error(),
        jobs.jobs_running(),
        jobs.jobs_queued(),
        jobs.jobs_dead(),
    ]
    assert [len(docs) for docs in counts] == [23 - n_error, n_error, 1, 1, 0]
    assert len(jobs) == 25
    assert next(jobs.jobs_queued(cursor=True))["exp_key"] == "other"
    assert one.handle is jobs
    with pytest.raises(AttributeError, match=r"MongoJobs\.reserve is not supported: workers claim"):
        jobs.reserve("host")


def test_pickling_mongo_trials_raises(searched: MongoTrials) -> None:
    for action in (pickle.dumps, copy.deepcopy):
        with pytest.raises(ConfigurationError, match=r"connect again with MongoTrials\(\.\.\.\)"):
            action(searched)


def test_an_objective_receives_graph_and_ctrl_on_a_worker(jobs: MongoJobs, secret: bytes) -> None:
    """Attachments and checkpoints are stored; injecting results raises."""

    @fmin_pass_expr_memo_ctrl
    def objective(expr: Any, memo: Any, ctrl: Any) -> Any:
        config = pyll.rec_eval(expr, memo=memo, print_node_on_error=False)
        ctrl.attachments["config"] = repr(config).encode()
        ctrl.checkpoint({"loss": 7.0, "status": "running"})
        ctrl.checkpoint({"loss": 6.0, "status": "running"})
        assert ctrl.attachments["config"] == repr(config).encode()
        assert ctrl.current_trial["misc"]["vals"]["x"] == [config["x"]]
        try:
            ctrl.inject_results([None], [{}], [{}])
        except ConfigurationError as refusal:
            return {"loss": config["x"], "status": "ok", "refusal": str(refusal)}
        raise AssertionError

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store, secret):
        search(trials, fn=objective, max_evals=2)
    assert trials.losses() == trials.vals["x"]
    x = trials.vals["x"][0]
    assert f"'x': {x!r}".encode() in trials.trial_attachments(trials.trials[0])["config"]
    assert [(report.step, report.value) for report in jobs.store.trial(KEY, 0).reports] == [
        (0, 7.0),
        (1, 6.0),
    ]
    assert "only fmin adds trials" in trials.results[0]["refusal"]


def test_an_importable_objective_receives_the_graph(jobs: MongoJobs, secret: bytes) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store, secret):
        trials.fmin(with_ctrl, SPACE, rand.suggest, 2, pass_expr_memo_ctrl=True, rstate=1)
    assert trials.losses() == trials.vals["x"]
    assert trials.trial_attachments(trials.trials[1])["tid"] == b"1"


def test_a_ctrl_in_the_space_is_the_one_of_the_worker(jobs: MongoJobs, secret: bytes) -> None:
    def objective(config: Any) -> Any:
        config["ctrl"].attachments["x"] = np.float64(config["x"]).tobytes()
        return config["x"]

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store, secret):
        search(trials, fn=objective, max_evals=2, space={"x": hp.uniform("x", 0, 1), "ctrl": base.Ctrl})
    blob = trials.trial_attachments(trials.trials[1])["x"]
    assert np.frombuffer(blob) == trials.vals["x"][1]


@pytest.mark.parametrize("exp_key", ["a/b", "", "x" * 101, "..", "a\n"])
def test_an_invalid_name_of_an_experiment_is_rejected(jobs: MongoJobs, exp_key: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a search"):
        MongoTrials(jobs, exp_key=exp_key)


def test_the_default_name_and_numbers_as_names(jobs: MongoJobs) -> None:
    assert MongoTrials(jobs).exp_name == "default"
    assert MongoTrials(jobs, exp_key=7).exp_name == "7"


def test_unsupported_arguments_are_rejected_or_cause_a_warning(
    jobs: MongoJobs, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigurationError, match="leave cmd out"):
        MongoTrials(jobs, cmd=("bandit_json evaluate", "module.bandit"))
    MongoTrials(jobs, workdir="out")
    assert "start them with --workdir" in caplog.text


def test_every_form_of_address_connects(mongo_uri: str, database: str) -> None:
    uri = url_of(mongo_uri, database)
    place, _, options = uri.removeprefix("mongodb://").partition("?")
    trials = [
        MongoTrials(address, exp_key=KEY)
        for address in (uri, f"mongo://{place}/jobs?{options}", f"mongo://{place}/other?{options}")
    ]
    trials[0].insert_trial_docs(new_docs(trials[0], [0.5]))
    for each in trials:
        each.refresh()
        assert each.vals["x"] == [0.5]
        each.store.close()
    jobs = MongoJobs.new_from_connection_str(uri)
    assert MongoTrials(jobs, exp_key=KEY).tids == [0]
    jobs.store.close()
    with pytest.raises(ConfigurationError, match="open the tunnel yourself"):
        MongoTrials("mongo+ssh://host:1/db/jobs")
