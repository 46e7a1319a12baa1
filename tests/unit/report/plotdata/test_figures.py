"""What single pictures show."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.goal import LOSS
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import Report, State, Trial
from hpsearch.report.plotdata.branches import branches_of
from hpsearch.report.plotdata.figure import Bars, Density, Figure, Line, Note, Points, Role
from hpsearch.report.plotdata.kinds import KINDS
from hpsearch.report.plotdata.loss_axis import loss_axis
from hpsearch.report.plotdata.parameter_axis import parameter_axis
from hpsearch.report.plotdata.search import search_arrays
from hpsearch.space.tree import Space
from tests.support.pictured import NESTED, long_data, nested_trials, search_data

M = TypeVar("M", Bars, Density, Line, Note, Points)

LINE = Space({"x": hp.uniform("x", 0, 1)})


def trials_with(losses: list[float | None], **changes: object) -> list[Trial]:
    return [
        Trial(
            exp_key="line",
            tid=tid,
            values={"x": tid / len(losses)},
            state=State.FAILED if loss is None else State.DONE,
            loss=loss,
        )
        for tid, loss in enumerate(losses)
    ]


def marks_of(figure: Figure, kind: type[M], role: Role | None = None) -> list[M]:
    every = [m for panel in figure.panels for m in panel.marks]
    every += [m for panel in figure.panels for m in panel.lane]
    found = [mark for mark in every if isinstance(mark, kind)]
    return [m for m in found if role is None or getattr(m, "role", None) is role]


def test_the_best_so_far_never_rises_and_skips_failed_and_invalid_trials() -> None:
    trials = trials_with([3.0, None, 1.0, 2.0, 0.5])
    trials[2] = replace(trials[2], invalid=nested_trials()[11].invalid)
    figure = KINDS["history"].build((search_data(trials, LINE),))

    [line] = marks_of(figure, Line, Role.BEST)
    assert line.y.tolist() == [3.0, 2.0, 0.5, 0.5]
    assert line.x.tolist() == [0, 3, 4, 4]
    [failed] = marks_of(figure, Points, Role.FAILED)
    [invalid] = marks_of(figure, Points, Role.INVALID)
    assert failed.tids.tolist() == [1]
    assert invalid.tids.tolist() == [2]
    assert failed.y.tolist() == [0]
    assert figure.table.rows == (("0", "3"), ("3", "2"), ("4", "0.5"))


def test_a_huge_loss_does_not_flatten_the_others_and_is_counted() -> None:
    """The first value of the best line is the outlier, which must not set the limits either."""
    figure = KINDS["history"].build((search_data(trials_with([1e20, 1.0, 0.9, 0.8, 0.7, 0.6]), LINE),))

    [panel] = figure.panels
    assert panel.y.high < 2
    assert panel.note == "1 above 1"
    [line] = marks_of(figure, Line, Role.BEST)
    assert line.y.max() <= panel.y.high


@pytest.mark.parametrize("losses", [[1.0], [2.0, 2.0, 2.0], [0.0], [-1e300, 1e300], [5e-324, 1.0]])
def test_an_axis_fits_any_losses(losses: list[float]) -> None:
    axis = loss_axis(np.array(losses), LOSS)

    assert axis.axis.low < axis.place(np.array(losses)).min()
    assert axis.place(np.array(losses)).max() < axis.axis.high


def test_losses_over_orders_of_magnitude_get_a_log_axis() -> None:
    assert loss_axis(np.geomspace(1e-6, 10, 50), LOSS).axis.is_log
    assert not loss_axis(np.linspace(0.1, 0.9, 50), LOSS).axis.is_log


def test_the_axis_of_a_parameter_follows_its_distribution() -> None:
    axes = {label: parameter_axis(NESTED, label, np.array([])) for label in NESTED.labels}

    assert axes["lr"].axis.is_log
    assert axes["C"].axis.is_log
    assert not axes["units"].axis.is_log
    assert axes["act"].axis.tick_labels == ("relu", "None", "<b>tanh</b> &…")
    assert axes["layers"].axis.tick_labels == ("1", "2", "3", "4", "5", "6")
    assert axes["depth"].columns == ()
    assert axes["lr"].text(0.000123456) == "0.0001235"


def test_a_panel_shows_only_the_trials_with_its_parameter() -> None:
    trials = nested_trials()
    figure = KINDS["slice"].build((search_data(trials, labels=("depth",)),))

    drawn = {int(tid) for m in marks_of(figure, Points) for tid in m.tids}
    assert drawn == {t.tid for t in trials if "depth" in t.values and t.state is not State.PENDING}


def test_a_hundred_thousand_trials_become_a_density_with_the_best_as_points() -> None:
    data = long_data()
    figure = KINDS["history"].build((data,))

    density, _lane = marks_of(figure, Density)
    [points] = marks_of(figure, Points, Role.DONE)
    assert density.counts.sum() == np.isfinite(data.arrays.losses).sum()
    assert len(points.x) == 500
    best = int(np.nanargmin(data.arrays.losses))
    assert best in points.tids


def test_many_failures_become_counts_along_the_lane() -> None:
    data = long_data()
    [panel] = KINDS["history"].build((data,)).panels

    [density] = panel.lane
    assert density.counts.sum() == np.isnan(data.arrays.losses).sum()


def test_inactive_parameters_have_a_lane_of_their_own() -> None:
    figure = KINDS["parallel"].build((search_data(nested_trials()),))
    [panel] = figure.panels

    depth = panel.x.tick_labels.index("depth")
    heights = np.concatenate([m.y[m.x == depth] for m in marks_of(figure, Line) if m.role is Role.DONE])
    n_active = sum("depth" in t.values and t.state is State.DONE and t.tid != 11 for t in nested_trials())
    assert 0 < (heights >= 0).sum() <= n_active
    assert (heights[heights < 0] == heights.min()).all()


def test_the_tree_counts_each_branch_and_orders_it_by_its_best() -> None:
    arrays = search_arrays("nested", NESTED, nested_trials())
    found = branches_of(arrays)

    models = [b for b in found if b.choice == "model"]
    assert models[0].option == "mlp"
    assert [b.best for b in models] == sorted(b.best for b in models)
    assert sum(len(b.rows) for b in models) == len(arrays) - 1  # one is invalid
    place = found.index(models[0])
    assert [b.choice for b in found[place + 1 : place + 4]] == ["act"] * 3
    assert {b.depth for b in found if b.choice == "act"} == {1}


def test_a_curve_of_the_distribution_gives_the_share_of_trials_at_each_loss() -> None:
    data = [search_data(trials_with([1.0, 2.0, 3.0, None]), LINE), search_data(trials_with([1.5, 2.5]), LINE)]
    figure = KINDS["distribution"].build(tuple(data))

    first, second = marks_of(figure, Line)
    assert [float(first.y[first.x <= x].max()) for x in (1.0, 2.0, 3.0)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert second.y.max() == 1
    assert {first.series, second.series} == {0, 1}


def test_the_bars_of_a_worker_are_the_trials_it_evaluated() -> None:
    trials = nested_trials()
    figure = KINDS["timeline"].build((search_data(trials),))

    [panel] = figure.panels
    bars = marks_of(figure, Bars)
    drawn = {
        int(tid): (start, end) for b in bars for tid, start, end in zip(b.tids, b.starts, b.ends, strict=True)
    }
    assert set(drawn) == {t.tid for t in trials if t.worker}
    assert drawn[0] == pytest.approx((0, 25 / 60))
    assert panel.y.tick_labels == ("host0-0", "host1-1")
    assert {b.role for b in bars} == {Role.DONE, Role.FAILED, Role.RUNNING, Role.INVALID}


def test_trials_at_once_on_one_worker_do_not_cover_each_other() -> None:
    trials = [replace(t, worker=nested_trials()[0].worker) for t in nested_trials(8)[:4]]
    bars = marks_of(KINDS["timeline"].build((search_data(trials),)), Bars)
    rectangles = [(s, e, p) for b in bars for s, e, p in zip(b.starts, b.ends, b.places, strict=True)]

    for i, (start, end, place) in enumerate(rectangles):
        for other_start, other_end, other in rectangles[:i]:
            assert end <= other_start or other_end <= start or abs(place - other) > bars[0].width


def test_a_curve_ends_with_a_mark_where_a_trial_has_no_loss() -> None:
    trials = nested_trials()
    figure = KINDS["curves"].build((search_data(trials),))

    ends = {int(m.tids[0]) for m in marks_of(figure, Points)}
    shown = len(marks_of(figure, Line))
    assert shown == 40
    assert ends <= {t.tid for t in trials if t.loss is None}
    [best] = marks_of(figure, Line, Role.BEST)
    assert best.y[-1] == pytest.approx(min(t.loss for t in trials if t.loss is not None) + 0.25)


def test_a_curve_that_a_pruner_cut_shows_where_and_why() -> None:
    why = "at step 3 of 9: 1.3 % chance"
    verdict = Verdict(is_stop=True, step=3, value=0.7, chance=0.013, version=1, reason=why)
    reports = (Report(step=1, value=0.9), Report(step=3, value=0.7))
    pruned = {"loss": None, "state": State.PRUNED, "reports": reports, "verdict": verdict}
    trials = [replace(trial, **pruned) if trial.tid % 2 else trial for trial in nested_trials()]
    figure = KINDS["curves"].build((search_data(trials),))

    [guide] = marks_of(figure, Line, Role.GUIDE)
    assert guide.x.tolist() == [3, 3]
    chances = marks_of(figure, Note)
    assert len(chances) == 12
    assert {(note.x, note.y, note.text) for note in chances} == {(3, 0.7, "   1.3 %")}
    assert figure.caption.endswith(f"were, such as trial 35, {why}.")
    rows = {row[0]: row for row in figure.table.rows}
    assert rows["35"] == ("35", "pruned", "3", "0.7", why)


def test_what_is_declared_and_what_is_tried_add_up_to_one() -> None:
    figure = KINDS["sampling"].build((search_data(nested_trials(), labels=("model", "lr")),))

    bars = marks_of(figure, Bars)
    assert [b.role for b in bars] == [Role.PRIOR, Role.DONE]
    assert [b.ends.sum() for b in bars] == pytest.approx([1, 1])
    assert bars[0].ends.tolist() == pytest.approx([1 / 3] * 3, abs=0.03)
