"""The points of the scatter plot."""

from __future__ import annotations

import numpy as np
import pytest
from convnet.panels import Panel, make_panels
from convnet.results import Record
from convnet.space import space

from hpsearch import Space, hp
from hpsearch.errors import SpaceError

SPACE = Space(space)


def records(n: int = 40) -> list[Record]:
    """Return trials at random points, of which every fifth failed."""
    rng = np.random.default_rng(3)
    found = []
    for tid in range(n):
        values = SPACE.sample(rng)
        result = {"status": "fail"} if tid % 5 == 4 else {"status": "ok", "accuracy": tid / 100}
        params = SPACE.params(values)
        found.append(Record(exp_key="search", tid=tid, values=values, params=params, result=result))
    return found


def panel(label: str, shown: list[Record] | None = None, of: Space = SPACE) -> Panel:
    [found] = [p for p in make_panels(of, shown or records()) if p.label == label]
    return found


def test_every_parameter_has_a_panel() -> None:
    assert [p.label for p in make_panels(SPACE, records())] == [p.label for p in SPACE.parameters]


def test_an_unconditional_parameter_shows_every_trial() -> None:
    shown = panel("conv_dropout").points
    wanted = [(r.tid, r.values["conv_dropout"], r.accuracy) for r in records()]
    assert [(p.tid, p.x, p.accuracy) for p in shown] == wanted


def test_a_conditional_parameter_shows_only_trials_in_which_it_is_active() -> None:
    with_layer = [r.tid for r in records() if r.values["extra_layer"] == 1]
    assert 0 < len(with_layer) < len(records())
    assert [p.tid for p in panel("extra_dropout").points] == with_layer


def test_an_axis_has_the_scale_and_the_range_of_the_space() -> None:
    rate, dropout = panel("learning_rate_mult"), panel("conv_dropout")
    assert rate.is_log
    assert rate.bounds == pytest.approx((0.02, 50))
    assert not dropout.is_log
    assert dropout.bounds == (0, 0.5)


def test_a_choice_has_a_named_column_for_each_option() -> None:
    assert panel("pooling").columns == ("max", "average", "strided")
    assert panel("residual").columns == ("none", "residual_blocks")
    assert panel("extra_layer").columns == ("none", "extra_dropout\nextra_units_mult")


def test_an_integer_with_few_values_has_columns_and_one_with_many_an_axis() -> None:
    assert panel("n_stages").columns == ("1", "2", "3")
    assert panel("batch_size").columns == ()


@pytest.mark.parametrize(("label", "first"), [("pooling", 0), ("n_stages", 1)])
def test_the_points_of_a_column_are_spread_within_it(label: str, first: int) -> None:
    shown = panel(label)
    values = {r.tid: r.values[label] for r in records()}
    assert all(round(p.x) == values[p.tid] - first for p in shown.points)
    assert len({p.x for p in shown.points}) == len(shown.points)
    assert all(abs(p.x - round(p.x)) < 0.3 for p in shown.points)


def test_every_kind_of_number_has_a_column_or_an_axis() -> None:
    """Also kinds that the example does not use: a random integer, a grid of fractions, a single value."""
    other = Space(
        {"n": hp.randint("n", 2, 5), "q": hp.quniform("q", 0.1, 0.5, 0.1), "one": hp.choice("one", [1])}
    )
    values = {"n": 4, "q": 0.1 * 3, "one": 0}
    [trial] = [Record(exp_key="s", tid=0, values=values, params={}, result={})]
    columns = {p.label: (p.columns, round(p.points[0].x)) for p in make_panels(other, [trial])}
    assert columns == {
        "n": (("2", "3", "4"), 2),
        "q": (("0.1", "0.2", "0.3", "0.4", "0.5"), 2),
        "one": (("1",), 0),
    }


def test_a_failed_trial_has_a_point_without_accuracy() -> None:
    failed = [p.tid for p in panel("conv_dropout").points if p.accuracy is None]
    assert failed == list(range(4, 40, 5))


def test_results_of_another_space_are_refused() -> None:
    stranger = Record(exp_key="s", tid=0, values={"x": 1.0}, params={}, result={})
    with pytest.raises(SpaceError, match="no parameter 'x'"):
        make_panels(SPACE, [stranger])
