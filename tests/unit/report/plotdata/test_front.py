"""Pictures of several objectives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import State
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Points, Role
from hpsearch.report.plotdata.front import front
from hpsearch.report.plotdata.front_growth import front_growth
from hpsearch.report.plotdata.importance import importance
from hpsearch.report.plotdata.parallel import parallel
from hpsearch.report.plotdata.search import search_arrays
from hpsearch.report.plotdata.trial_marks import rows_of_lane
from hpsearch.report.read_search import objective_importances
from tests.support.declared_outcomes import declared, done
from tests.support.pictured import NESTED, front_data, nested_trials


def points(figure: Figure, role: Role) -> Points:
    [found] = [m for m in figure.panels[0].marks if isinstance(m, Points) and m.role is role]
    return found


def test_each_trial_is_on_the_front_dominated_or_infeasible_with_its_own_sign() -> None:
    data = front_data()
    figure = front((data,))
    best, dominated, over = (points(figure, r) for r in (Role.BEST, Role.DOMINATED, Role.INFEASIBLE))
    assert best.tids is not None
    assert len(best.x) + len(dominated.x) + len(over.x) == data.arrays.has_objectives.sum()
    assert (figure.panels[0].x.title, figure.panels[0].y.title) == ("error", "accuracy")
    for x, y in zip(dominated.x, dominated.y, strict=True):  # a higher accuracy is better
        assert ((best.x <= x) & (best.y >= y)).any()
    assert [row[0] for row in figure.table.rows] == [str(tid) for tid in best.tids[np.argsort(best.x)]]
    limits = [m for m in figure.panels[0].marks if isinstance(m, Line) and m.role is Role.LIMIT]
    assert all((line.x == 0.4).all() for line in limits)


def test_more_objectives_have_a_panel_for_each_pair() -> None:
    titles = [(p.x.title, p.y.title) for p in front((front_data(60, "ms:min"),)).panels]
    assert titles == [("error", "accuracy"), ("error", "ms"), ("accuracy", "ms")]


def test_the_volume_of_the_front_never_falls_and_ends_at_one() -> None:
    [panel] = front_growth((front_data(),)).panels
    [line] = panel.marks
    assert isinstance(line, Line)
    assert (np.diff(line.y) >= 0).all()
    assert line.y[-1] == 1.0
    trials = [done(i, {"a": float(10 - i), "b": float(i)}, exp_key="e") for i in range(8)]
    arrays = search_arrays("e", NESTED, trials, outcomes=declared(["a", "b"], ["a <= 20", "b <= 20"]))
    [grown] = front_growth((replace(front_data(), arrays=arrays),)).panels[0].marks
    assert isinstance(grown, Line)
    assert len(grown.x) == 9


def test_parallel_coordinates_end_with_all_objectives() -> None:
    [panel] = parallel((front_data(),)).panels
    assert isinstance(panel.x, Axis)
    assert panel.x.tick_labels[-2:] == ("error", "accuracy")
    assert len(panel.x.tick_labels) == len(NESTED.parameters) + 2


def test_importance_has_a_panel_for_each_objective() -> None:
    data = front_data(80)
    assert data.arrays.outcomes is not None
    history = History(NESTED, data.arrays.outcomes)
    for trial in data.recent:
        if trial.state in {State.DONE, State.FAILED} and trial.invalid is None:
            history.add(trial)
    figure = importance((replace(data, importances=objective_importances(history, 0)),))
    assert [panel.title for panel in figure.panels] == ["error", "accuracy"]
    assert "matters most for error" in figure.caption
    assert figure.table.header == ("parameter", "error", "accuracy")


def test_trials_beyond_a_limit_of_one_objective_have_no_loss_and_a_lane() -> None:
    limited = declared(limits=["gb <= 8"])
    trials = [
        replace(t, violations={"gb": float(t.tid % 2)}) if t.state is State.DONE else t
        for t in nested_trials()
    ]
    arrays = search_arrays("nested", NESTED, trials, outcomes=limited)
    rows = rows_of_lane(arrays)
    assert (arrays.tids[rows[Role.INFEASIBLE]] % 2 == 1).all()
    assert not arrays.has_loss[rows[Role.INFEASIBLE]].any()
    assert set(rows[Role.FAILED]).isdisjoint(rows[Role.INFEASIBLE])
