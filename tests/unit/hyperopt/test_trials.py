"""``Trials``: documents, counts, attachments, pickling."""

import copy
import datetime
import pickle
from typing import Any

import numpy as np
import pytest

from hpsearch import hp as own_hp
from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.hyperopt import Trials, base, fmin, hp, rand, trials_from_docs
from hpsearch.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
)
from hpsearch.hyperopt.exceptions import AllTrialsFailed, InvalidTrial
from hpsearch.space.tree import Space

SPACE = {"x": hp.uniform("x", 0, 1), "kind": hp.choice("kind", ["a", {"n": hp.uniformint("n", 1, 9)}])}


def doc(tid: int, state: int = JOB_STATE_DONE, exp_key: Any = None, **result: Any) -> Any:
    """Return a document of one parameter."""
    misc = {"tid": tid, "cmd": None, "workdir": None, "idxs": {"x": [tid]}, "vals": {"x": [tid / 10]}}
    made = Trials(exp_key=exp_key).new_trial_docs([tid], [None], [result], [misc])[0]
    return {**made, "state": state}


def searched(n: int = 6) -> Trials:
    trials = Trials()
    fmin(lambda config: config["x"], SPACE, rand.suggest, n, trials=trials, rstate=0, show_progressbar=False)
    return trials


def test_documents_have_hyperopts_form() -> None:
    first = searched(1).trials[0]
    assert set(first) == {*base.TRIAL_KEYS, "version"}
    assert set(first["misc"]) == {*base.TRIAL_MISC_KEYS, "workdir"}
    assert first["misc"]["cmd"] == ("domain_attachment", "FMinIter_Domain")
    assert first["misc"]["idxs"].keys() == first["misc"]["vals"].keys() == {"x", "kind", "n"}
    assert (first["state"], first["tid"], first["spec"], first["owner"]) == (JOB_STATE_DONE, 0, None, None)
    assert isinstance(first["book_time"], datetime.datetime)
    assert first["book_time"].microsecond % 1000 == 0
    assert first["book_time"] <= first["refresh_time"]


def test_columns_list_a_conditional_parameter_only_where_it_was_active() -> None:
    trials = searched()
    assert trials.idxs["x"] == trials.tids == list(range(6))
    assert trials.idxs["n"] == [
        tid for tid, kind in zip(trials.tids, trials.vals["kind"], strict=True) if kind
    ]
    assert 0 < len(trials.vals["n"]) < 6
    assert trials.losses() == trials.vals["x"]
    assert set(trials.statuses()) == {"ok"}
    assert trials.specs == [None] * 6
    assert trials.results == [d["result"] for d in trials]
    assert trials.miscs == [d["misc"] for d in trials.trials]
    with pytest.raises(ValueError, match="no trials yet"):
        _ = Trials().vals


@pytest.mark.parametrize("state", [JOB_STATE_ERROR, JOB_STATE_CANCEL])
def test_a_refresh_shows_open_and_done_trials_of_the_key(state: Any) -> None:
    trials = Trials(exp_key="a")
    trials.insert_trial_docs(doc(tid, JOB_STATE_NEW, exp_key="a") for tid in range(3))
    trials._insert_trial_docs([doc(3, exp_key="b")])
    assert len(trials) == 0
    trials.refresh()
    assert trials.tids == [0, 1, 2]
    trials._dynamic_trials[2]["state"] = JOB_STATE_DONE
    trials._dynamic_trials[1]["state"] = state
    trials.refresh()
    assert trials.tids == [0, 2]
    trials._dynamic_trials[0]["state"] = state
    trials.refresh()
    assert trials.tids == [2]


def test_replaced_and_removed_documents_are_detected() -> None:
    trials = searched()
    del trials._dynamic_trials[2:]
    trials.refresh()
    assert trials.tids == [0, 1]
    trials._dynamic_trials = [doc(7, loss=1.0, status="ok"), doc(8)]
    trials.refresh()
    assert trials.tids == [7, 8]


def test_trials_are_counted_by_one_or_several_states() -> None:
    trials = trials_from_docs([doc(0, JOB_STATE_NEW), doc(1, JOB_STATE_RUNNING), doc(2)])
    trials._dynamic_trials.append(doc(3))
    assert trials.count_by_state_synced(JOB_STATE_DONE) == 1
    assert trials.count_by_state_unsynced(JOB_STATE_DONE) == 2
    assert trials.count_by_state_unsynced([JOB_STATE_NEW, JOB_STATE_RUNNING]) == 2
    assert trials.count_by_state_synced(JOB_STATE_NEW, trials=[]) == 0


def test_the_best_trial_is_the_first_ok_one_with_the_lowest_loss() -> None:
    docs = [
        doc(0, loss=3.0, status="ok"),
        doc(1, loss=np.nan, status="ok"),
        doc(2, loss=-9.0, status="fail"),
        doc(3, loss=1.0, status="ok"),
        doc(4, loss=1.0, status="ok"),
        doc(5, JOB_STATE_RUNNING, loss=-9.0, status="ok"),
    ]
    trials = trials_from_docs(docs)
    assert trials.best_trial["tid"] == 3
    assert trials.argmin == {"x": 0.3}
    assert trials.average_best_error() == 1.0


def test_average_best_error_weights_true_losses_by_the_probability_of_being_best() -> None:
    docs = [
        doc(tid, loss=loss, status="ok", loss_variance=1.0, true_loss=true)
        for tid, (loss, true) in enumerate([(0.0, 10.0), (0.0, 20.0), (50.0, 1e6)])
    ]
    assert trials_from_docs(docs).average_best_error() == pytest.approx(15, abs=0.7)
    with pytest.raises(AllTrialsFailed, match="None of 0 trials"):
        Trials().average_best_error()


def test_best_params_and_best_config_show_options() -> None:
    trials = searched()
    kind = trials.best_config["kind"]
    assert trials.best_params["kind"] == (kind if kind == "a" else trials.best_params["kind"])
    assert trials.best_params["x"] == trials.best_config["x"] == trials.argmin["x"]
    loaded = pickle.loads(pickle.dumps(trials))
    with pytest.raises(ConfigurationError, match="space of these trials is unknown"):
        _ = loaded.best_config


def noisy(*, repeats: bool) -> Trials:
    """Return trials of a parabola, whose lowest loss, of trial 30 far from its bottom, is luck."""
    rng = np.random.default_rng(0)
    places = [*(i / 30 for i in range(31)), *([0.3, 0.5] if repeats else [])]
    docs = []
    for tid, x in enumerate(places):
        loss = (x - 0.3) ** 2 + 0.02 * rng.normal() - 0.7 * (tid == 30)
        made = doc(tid, status="ok", loss=loss)
        made["misc"]["vals"]["x"] = [x]
        docs.append(made)
    trials = trials_from_docs([*docs, doc(40, status="fail"), doc(41, JOB_STATE_RUNNING)])
    trials.set_space(Space(own_hp.uniform("x", 0, 1)))
    return trials


def test_where_losses_are_noisy_the_lowest_one_is_not_believed() -> None:
    trials = noisy(repeats=True)
    assert trials.best_trial["tid"] == 30
    assert abs(trials.best_believed["misc"]["vals"]["x"][0] - 0.3) < 0.1
    losses = trials.believed_losses()
    assert len(losses) == len(trials)
    assert losses[-2:] == [None, None]
    assert losses[30] > trials.losses()[30] + 0.2


def test_without_repeats_the_lowest_loss_is_believed() -> None:
    trials = noisy(repeats=False)
    assert trials.best_believed is trials.best_trial
    assert trials.believed_losses() == trials.losses()
    with pytest.raises(AllTrialsFailed):
        _ = Trials().best_believed


def test_pickling_keeps_documents_attachments_and_numbers() -> None:
    trials = searched()
    trials.trial_attachments(trials.trials[0])["blob"] = b"x"
    for other in (pickle.loads(pickle.dumps(trials)), copy.deepcopy(trials)):
        assert other.trials == trials.trials
        assert other.trial_attachments(other.trials[0])["blob"] == b"x"
        assert other.new_trial_ids(1) == [6]


def test_trials_with_an_unpicklable_space_can_be_pickled() -> None:
    trials = Trials()
    space = hp.choice("f", [lambda x: x, lambda x: 2 * x])
    fmin(lambda f: f(1), space, rand.suggest, 2, trials=trials, verbose=False)
    assert len(pickle.loads(pickle.dumps(trials))) == 2


def test_trials_that_hyperopt_pickled_can_be_read() -> None:
    """Hyperopt's instances have these five attributes."""
    docs = searched().trials
    trials = object.__new__(Trials)
    trials.__setstate__(
        {"_ids": set(range(6)), "_dynamic_trials": docs, "_exp_key": None, "attachments": {}, "_trials": []}
    )
    assert trials.tids == list(range(6))
    assert trials.new_trial_ids(2) == [6, 7]


def test_trial_attachments_are_a_mapping() -> None:
    trials = searched(2)
    first, second = map(trials.trial_attachments, trials)
    first["a"], second["a"], first["b"] = b"1", b"2", b"3"
    del first["b"]
    assert dict(first) == {"a": b"1"}
    assert "a" in second
    assert len(second) == 1
    assert first.get("c") is None
    assert trials.attachments == {"ATTACH::0::a": b"1", "ATTACH::1::a": b"2"}


def test_trial_numbers_are_unique_across_views_and_inserted_documents() -> None:
    trials = Trials()
    trials.insert_trial_docs([doc(4), {**doc(9), "tid": "t", "misc": {**doc(9)["misc"], "tid": "t"}}])
    assert trials.new_trial_ids(2) == [5, 6]
    assert trials.view("other").new_trial_ids(1) == [7]
    assert trials.new_trial_ids(1) == [8]


def test_a_view_shows_the_documents_of_another_key() -> None:
    trials = Trials()
    trials.insert_trial_docs([doc(0, exp_key="a"), doc(1, exp_key="b")])
    trials.refresh()
    assert trials.view("b").tids == [1]
    assert trials.tids == [0, 1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.pop("result"), "lacks the key 'result'"),
        (lambda d: d["misc"].pop("cmd"), "lacks the key 'cmd'"),
        (lambda d: d["misc"].update(tid=9), "another tid in 'misc': 9"),
        (lambda d: d.update(state=9), "unknown state 9"),
        (lambda d: d["misc"].update(vals={}), "other labels in 'idxs'"),
        (lambda d: d.update(exp_key="b"), "belongs to 'b', but these trials to 'a'"),
    ],
)
def test_an_invalid_document_is_rejected(change: Any, sentence: str) -> None:
    bad = doc(0, exp_key="a")
    change(bad)
    with pytest.raises(InvalidTrial, match=sentence) as caught:
        Trials(exp_key="a").insert_trial_doc(bad)
    assert caught.value.obj is bad
    trials_from_docs([doc(0)], validate=False)


def test_delete_all_removes_trials_and_attachments() -> None:
    trials = searched()
    trials.attachments["a"] = 1
    trials.delete_all()
    assert (len(trials), trials.attachments, trials.new_trial_ids(1)) == (0, {}, [0])


def test_trials_are_not_indexed_by_number() -> None:
    with pytest.raises(NotImplementedError, match=r"trials\.trials\[i\]"):
        _ = searched(1)[0]


def test_results_can_be_injected_beside_the_current_trial() -> None:
    trials = searched(2)
    ctrl = base.Ctrl(trials, current_trial=trials.trials[1])
    ctrl.inject_results([None], [{"loss": -1.0, "status": "ok"}], [copy.deepcopy(trials.miscs[1])])
    ctrl.checkpoint({"loss": 5.0, "status": "ok"})
    trials.refresh()
    assert trials.best_trial["misc"]["from_tid"] == 1
    assert trials.losses()[1] == 5.0


def test_a_frame_has_a_row_for_each_trial() -> None:
    trials = searched()
    try:
        import pandas  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match=r"hpsearch\[frame\]"):
            trials.to_frame()
        return
    frame = trials.to_frame()
    assert list(frame["loss"]) == trials.losses()
    assert set(frame.columns) == {"tid", "state", "status", "loss", "x", "kind", "n"}
    assert frame["n"].isna().sum() == trials.vals["kind"].count(0)


def test_a_frame_names_options_and_tells_the_option_none_from_an_inactive_parameter() -> None:
    pandas = pytest.importorskip("pandas")
    trials = Trials()
    space = hp.choice("kind", [{"name": "svc", "C": hp.choice("C", [None, 1])}, {"name": "tree"}])
    fmin(lambda config: 0.0, space, rand.suggest, 12, trials=trials, rstate=np.random.default_rng(1))
    frame = trials.to_frame()
    assert set(frame["kind"]) == {"svc", "tree"}
    assert set(frame["C"].dropna()) == {"None", 1}
    assert pandas.isna(frame["C"]).tolist() == [kind == "tree" for kind in frame["kind"]]
