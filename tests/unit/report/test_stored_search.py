"""``hpsearch.load``, over a store in memory."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

import hpsearch
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.goal import Goal
from hpsearch.core.trial import State, Trial
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from tests.support.explored import store_explored


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """A store with an explored search, and one without trials."""
    made = MemoryStore()
    store_explored(made)
    made.open_experiment(experiment("empty"))
    return made


def experiment(exp_key: str) -> Experiment:
    space = Space({"x": hpsearch.hp.uniform("x", 0, 1)})
    return Experiment(
        exp_key=exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
    )


def test_a_search_has_its_trials_and_the_best_of_them(store: MemoryStore) -> None:
    search = hpsearch.load(store, "explored")
    assert len(search) == len(search.trials) == 100
    assert (search.n_trials["done"], search.n_trials["failed"]) == (90, 10)
    best = min((t for t in search.trials if t.state is State.DONE), key=lambda t: t.loss)
    assert search.best == best == search.trial(best.tid)
    assert search.best_params == best.params
    assert search.best_config == search.space.config(best.values)
    assert repr(search) == "<search explored, done: 90 done, 10 failed>"
    assert "explored" in search._repr_html_()


def test_a_frame_has_a_column_for_each_parameter(store: MemoryStore) -> None:
    pytest.importorskip("pandas")
    search = hpsearch.load(store, "explored")
    frame = search.to_frame()
    assert frame.index.name == "tid"
    assert len(frame) == 100
    assert {"state", "loss", *search.space.labels} <= set(frame.columns)
    assert frame.loss.idxmin() == search.best.tid
    assert frame.loc[9, "error"] == "MemoryError: no memory left"
    assert math.isnan(frame.loc[9, "loss"])


def test_an_empty_search_says_so(store: MemoryStore) -> None:
    search = hpsearch.load(store, "empty")
    assert search._repr_html_() == "<div>Search <b>empty</b>, running: no trials</div>"
    assert search.trials == []
    with pytest.raises(NotFoundError, match="No trial of empty has a loss yet"):
        _ = search.best


def test_wrong_names_get_a_hint(store: MemoryStore) -> None:
    with pytest.raises(NotFoundError, match=r"no search 'explord' .*did you mean 'explored'"):
        hpsearch.load(store, "explord")
    search = hpsearch.load(store, "explored")
    with pytest.raises(ConfigurationError, match=r"no picture 'histori'.*did you mean 'history'"):
        search.plot("histori")
    with pytest.raises(ConfigurationError, match=r"no parameter 'lrr'.*did you mean 'lr'"):
        search.plot("slice", "lrr")
    with pytest.raises(ConfigurationError, match="no choice of parameters"):
        search.plot("history", "lr")


def test_pictures_show_the_chosen_parameters(store: MemoryStore) -> None:
    pytest.importorskip("matplotlib")
    search = hpsearch.load(store, "explored")
    [figure] = search.plot("slice", "lr", "drop").data
    assert [panel.x.title for panel in figure.panels] == ["lr", "drop"]
    assert hpsearch.load(store, "empty").plot().data[0].panels == ()


def test_a_search_that_maximises_shows_its_metric(store: MemoryStore) -> None:
    goal = Goal(metric="accuracy", maximize=True)
    store.open_experiment(replace(experiment("maximised"), goal=goal))
    done = Trial(
        exp_key="maximised", tid=0, values={"x": 0.5}, params={"x": 0.5}, state=State.DONE, loss=-0.75
    )
    store.insert([done])
    search = hpsearch.load(store, "maximised")
    assert search.best_value == 0.75
    assert ">accuracy</th>" in search._repr_html_()
    assert search.to_frame().accuracy.tolist() == [0.75]


def test_refresh_reads_the_search_again(store: MemoryStore) -> None:
    store.open_experiment(experiment("growing"))
    search = hpsearch.load(store, "growing")
    assert (len(search), search.n_trials["pending"]) == (0, 0)
    store.insert([Trial(exp_key="growing", tid=0, values={"x": 0.5})])
    assert len(search) == 0
    assert len(search.refresh()) == 1
    assert search.n_trials["pending"] == 1
