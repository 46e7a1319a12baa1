"""A new search starts with points of earlier searches in the same store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.warm_start import MAX_SOURCES, choose_warm_start, similar_search
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State, Trial
from hpsearch.errors import ConfigurationError, NotFoundError, SpaceError
from hpsearch.space.tree import Space
from hpsearch.suggest.warm_start.suggester import WARM_START
from tests.support.fake_clock_store import KEY, SPACE, FakeClockStore, run_search
from tests.support.histories import rngs


def add_search(
    store: FakeClockStore, exp_key: str, centre: float = 2.0, n: int = 30, space: Space = SPACE
) -> None:
    """Store a finished search for the x of ``centre``; every fifth trial failed."""
    store.seconds += 1
    store.open_experiment(described(exp_key, space))
    points = [space.sample(rng) for rng in rngs(n, seed=len(exp_key))]
    store.insert(
        [
            Trial(
                exp_key=exp_key,
                tid=tid,
                values=values,
                state=State.FAILED if tid % 5 == 4 else State.DONE,
                loss=None if tid % 5 == 4 else (values["x"] - centre) ** 2,
            )
            for tid, values in enumerate(points)
        ]
    )


def described(exp_key: str = KEY, space: Space = SPACE, **fields: Any) -> Experiment:
    template = FakeClockStore().open_search(space=space, max_evals=12)
    return replace(template, exp_key=exp_key, created_at=None, **fields)


def begun(store: FakeClockStore) -> Experiment:
    wanted = described()
    return store.open_experiment(replace(wanted, warm_start=choose_warm_start(store, wanted, SPACE)))


def test_the_first_trials_are_the_best_of_earlier_searches_and_the_sources_are_recorded(
    store: FakeClockStore,
) -> None:
    add_search(store, "one")
    add_search(store, "two", centre=-3.0)
    stored = begun(store)
    assert stored.warm_start is not None
    assert [(s.exp_key, s.n_trials) for s in stored.warm_start.sources] == [("two", 30), ("one", 30)]
    run_search(store, store.coordinator())
    first, rest = list(store.trials(KEY, limit=4)), list(store.trials(KEY))[4:]
    assert [trial.values for trial in first] == [point.values for point in stored.warm_start.points]
    assert {trial.origin for trial in first} == {WARM_START}
    assert WARM_START not in {trial.origin for trial in rest}
    assert len(rest) == 8
    assert {point.exp_key for point in stored.warm_start.points} == {"one", "two"}
    for point in stored.warm_start.points:
        assert store.trial(point.exp_key, point.tid).values == point.values


def test_a_restart_and_a_changed_source_give_the_same_search(store: FakeClockStore) -> None:
    points = []
    for is_restarted in (False, True):
        store = FakeClockStore()
        add_search(store, "one")
        begun(store)
        coordinator = store.coordinator()
        if is_restarted:
            coordinator.tick()
            coordinator.resign()
            store.delete_experiment("one")
            coordinator = store.coordinator()
        run_search(store, coordinator)
        points.append([(trial.values, trial.origin) for trial in store.trials(KEY)])
    assert points[0] == points[1]


def test_invalid_trials_of_an_earlier_search_are_not_used(store: FakeClockStore) -> None:
    add_search(store, "one")
    best = next(store.points("one", sort="loss", limit=1))
    store.mark_invalid("one", [best.tid], "wrong")
    stored = begun(store)
    assert stored.warm_start is not None
    assert [source.n_trials for source in stored.warm_start.sources] == [29]
    assert best.values not in stored.warm_start.points


def test_with_a_lag_the_first_trials_are_the_same(store: FakeClockStore) -> None:
    add_search(store, "one")
    begun(store)
    coordinator = Coordinator(store, store.experiment(KEY), lambda: store.seconds, lag_alone=1)
    run_search(store, coordinator)
    origins = [trial.origin for trial in store.trials(KEY)]
    assert origins == [WARM_START] * 4 + ["random"] * 8


def test_only_searches_of_all_parameters_are_taken_without_being_named(store: FakeClockStore) -> None:
    add_search(store, "wider", space=Space([SPACE.expression, hp.uniform("z", 0, 1)]))
    add_search(store, "narrower", space=Space(hp.uniform("x", -5, 5)))
    add_search(store, "elsewhere", space=Space([hp.uniform("x", 50, 60), SPACE.nodes["kind"]]))
    add_search(store, "empty", n=0)
    found = choose_warm_start(store, described(), SPACE)
    assert [source.exp_key for source in found.sources] == ["wider"]
    named = choose_warm_start(store, described(), SPACE, ["narrower", "wider", "wider"])
    assert [source.exp_key for source in named.sources] == ["narrower", "wider"]
    for point in named.points:
        SPACE.validate(point.values)


def test_without_earlier_searches_nothing_is_taken_and_that_is_recorded(store: FakeClockStore) -> None:
    stored = begun(store)
    assert stored.warm_start is not None
    assert (stored.warm_start.sources, stored.warm_start.points) == ((), ())
    assert choose_warm_start(store, stored, SPACE) == stored.warm_start  # not from itself
    assert run_search(store, store.coordinator()) == 12


def test_the_newest_searches_are_taken_and_no_more_than_the_limit(store: FakeClockStore) -> None:
    for number in range(MAX_SOURCES + 2):
        add_search(store, f"search {number:02}", n=3)
    found = choose_warm_start(store, described(), SPACE)
    assert [source.exp_key for source in found.sources] == [
        f"search {number:02}" for number in range(MAX_SOURCES + 1, 1, -1)
    ]


@pytest.mark.parametrize(
    ("exp_key", "kind", "text"),
    [
        ("unknown", NotFoundError, "no experiment 'unknown' to start from"),
        ("empty", ConfigurationError, "'empty' has no successful trial"),
        (
            "other",
            ConfigurationError,
            "'other' shares no parameter with this one: it has 'z', this one has 'kind'",
        ),
        ("outside", ConfigurationError, "No successful trial of 'outside' lies within the ranges"),
        ("damaged", ConfigurationError, "space of 'damaged' cannot be read"),
    ],
)
def test_a_search_that_cannot_be_used_is_refused(
    exp_key: str, kind: type[Exception], text: str, store: FakeClockStore
) -> None:
    add_search(store, "good")
    add_search(store, "empty", n=0)
    store.open_experiment(described("other", Space(hp.uniform("z", 0, 1))))
    wide = Space([hp.uniform("x", 4.9, 60), SPACE.nodes["kind"]])
    store.open_experiment(described("outside", wide))
    store.insert([Trial(exp_key="outside", tid=0, values={"x": 50.0, "kind": 0}, state=State.DONE, loss=1.0)])
    store.open_experiment(replace(described("damaged"), space={"schema": 1}))
    with pytest.raises(kind, match=text):
        choose_warm_start(store, described(), SPACE, ["good", exp_key])


def test_an_altered_point_is_refused(store: FakeClockStore) -> None:
    add_search(store, "one")
    warm_start = choose_warm_start(store, described(), SPACE)
    moved = replace(warm_start.points[0], values={"x": 99.0, "kind": 0})
    store.open_experiment(described(warm_start=replace(warm_start, points=(moved,))))
    with pytest.raises(SpaceError, match="99"):
        store.coordinator()


def test_a_hint_names_the_newest_search_of_these_parameters(store: FakeClockStore) -> None:
    assert similar_search(store, described(), SPACE) is None
    add_search(store, "old")
    add_search(store, "new")
    add_search(store, "empty", n=0)
    add_search(store, "narrow", space=Space(hp.uniform("x", -5, 5)))
    assert similar_search(store, described(), SPACE) == "new"
    assert similar_search(store, described("new"), SPACE) == "old"
