"""Every kind of picture of every kind of search."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hpsearch.core.goal import Goal
from hpsearch.core.trial import State
from hpsearch.report.kind_names import KIND_NAMES
from hpsearch.report.plotdata.figure import Axis, Figure, Points, Surface
from hpsearch.report.plotdata.kinds import KINDS
from hpsearch.report.plotdata.search import SearchData
from hpsearch.report.read_search import read_search
from hpsearch.store.memory.store import MemoryStore
from tests.support.pictured import (
    front_data,
    long_data,
    nested_loss,
    nested_trials,
    search_data,
    store_nested,
    wide_space,
)


@cache
def modelled() -> SearchData:
    """Return a search whose losses a model predicts."""
    store = MemoryStore()
    store_nested(store)
    return read_search(store, store.experiment("nested"), [n for k in KINDS.values() for n in k.needs])


def wide() -> SearchData:
    space, rng = wide_space(), np.random.default_rng(0)
    return search_data(
        [replace(t, values=space.sample(rng), exp_key="wide") for t in nested_trials(40)], space
    )


SEARCHES: dict[str, Callable[[], SearchData]] = {
    "nested": lambda: search_data(nested_trials()),
    "empty": lambda: search_data([]),
    "one": lambda: search_data(nested_trials(5)[:1]),
    "wide": wide,
    "long": cache(long_data),
    "maximized": lambda: search_data(nested_trials(), goal=Goal(metric="accuracy", maximize=True)),
    "modelled": modelled,
    "front": front_data,
}
FRONTS = {"front", "growth"}
CASES = [(kind, name) for kind in KINDS for name in SEARCHES]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=["-".join(case) for case in CASES])
def test_a_picture_has_something_to_show_or_says_why_not(kind: str, name: str) -> None:
    """All places are within the axes, texts are short, and the number of points is bounded."""
    figure = KINDS[kind].build((SEARCHES[name](),))

    assert figure.kind == kind
    assert figure.caption.endswith(".")
    assert "  " not in figure.caption
    assert len(figure.panels) <= 12
    if name == "nested" and kind not in {"importance", "effect", *FRONTS}:
        assert figure.panels
    if name == "modelled" and kind not in FRONTS:
        assert figure.panels
    if name == "front" and kind in {*FRONTS, "parallel", "timeline"}:
        assert figure.panels
    if name == "empty":
        assert figure.panels == ()
        assert "no trials yet" in figure.caption
    check_places(figure)
    assert n_points(figure) <= 6000


def check_places(figure: Figure) -> None:
    for panel in figure.panels:
        for axis in (panel.x, panel.y):
            assert math.isfinite(axis.low)
            assert math.isfinite(axis.high)
            assert axis.low != axis.high
            assert not axis.is_log or min(axis.low, axis.high) > 0
            assert len(axis.ticks or ()) == len(axis.tick_labels)
            assert all(len(label) <= 36 for label in axis.tick_labels)
        for mark in panel.marks:
            if isinstance(mark, Points):
                assert all(is_on(panel.x, x) for x in mark.x)
                assert all(is_on(panel.y, y) for y in mark.y)
        assert all((mark.y == 0).all() for mark in panel.lane if isinstance(mark, Points))


def is_on(axis: Axis, value: float) -> bool:
    return min(axis.low, axis.high) <= value <= max(axis.low, axis.high)


def n_points(figure: Figure) -> int:
    return sum(len(m.x) for panel in figure.panels for m in panel.marks if isinstance(m, Points))


def test_the_sign_of_a_maximised_search_is_turned_in_every_picture() -> None:
    """The same trials, read as the negative of what a user maximises, show all their values with its sign."""
    goal = Goal(metric="accuracy", maximize=True)
    data = search_data(nested_trials(), goal=goal)
    best = max(-nested_loss(t.values) for t in nested_trials() if t.state is State.DONE and t.invalid is None)
    for kind in ("history", "slice", "branches", "distribution", "curves"):
        [panel, *_] = KINDS[kind].build((data,)).panels
        axis = panel.x if kind in {"branches", "distribution"} else panel.y
        assert axis.title == "accuracy"
        assert axis.low < axis.high
        if kind != "curves":
            assert axis.low < best < axis.high <= best + 1.0


def test_a_contour_shows_the_model_of_the_two_parameters_that_matter_most() -> None:
    figure = KINDS["contour"].build((modelled(),))
    surface = next(mark for mark in figure.panels[0].marks if isinstance(mark, Surface))

    top = [p.label for p in modelled().importance.parameters]
    assert {figure.panels[0].x.title, figure.panels[0].y.title} <= set(top[:3])
    assert np.isfinite(surface.z).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].takes_parameters])
def test_a_reader_may_choose_parameters(kind: str) -> None:
    figure = KINDS[kind].build((replace(modelled(), labels=("kernel", "lr")),))
    shown = {axis.title for panel in figure.panels for axis in (panel.x, panel.y)}
    shown |= {label for panel in figure.panels for label in panel.x.tick_labels}
    assert {"kernel", "lr"} <= shown
    assert "model" not in shown


def test_the_names_that_a_command_offers_are_those_of_all_kinds() -> None:
    assert tuple(KINDS) == KIND_NAMES


def test_every_kind_says_what_it_is_for() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        assert kind.title
        assert kind.explanation.endswith(".")
