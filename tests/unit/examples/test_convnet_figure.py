"""The figure shows the contents of the panels."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from convnet.figure import draw
from convnet.panels import Panel, Point

from tests.support.extras import needs

pytestmark = needs("matplotlib", "plot")


def panel(label: str, *points: Point, columns: tuple[str, ...] = (), is_log: bool = False) -> Panel:
    bounds = (-0.5, len(columns) - 0.5) if columns else (0.01, 10.0)
    return Panel(label=label, columns=columns, is_log=is_log, bounds=bounds, points=points)


PANELS = (
    panel("rate", Point(tid=0, x=0.1, accuracy=0.9), Point(tid=1, x=5, accuracy=None), is_log=True),
    panel("kind", Point(tid=0, x=0.1, accuracy=0.9), Point(tid=2, x=1, accuracy=0.99), columns=("a", "b")),
    panel("unseen"),
)


def test_each_panel_has_its_name_scale_and_columns() -> None:
    rate, kind, unseen = draw(PANELS, "title").axes[:3]
    assert [axes.get_title() for axes in (rate, kind, unseen)] == ["rate", "kind", "unseen"]
    assert (rate.get_xscale(), kind.get_xscale()) == ("log", "linear")
    assert [text.get_text() for text in kind.get_xticklabels()] == ["a", "b"]
    assert [text.get_text() for text in rate.get_xticklabels()] == ["0.01", "0.1", "1", "10"]


def test_failed_trials_are_drawn_on_a_line_below_all_accuracies() -> None:
    rate = draw(PANELS, "title").axes[0]
    ended, failed = (collection.get_offsets() for collection in rate.collections[:2])
    assert (len(ended), len(failed)) == (1, 1)
    assert failed[0][1] < ended[0][1]
    marks = dict(zip(rate.get_yticks(), (t.get_text() for t in rate.get_yticklabels()), strict=True))
    assert marks[failed[0][1]] == "failed"


def test_the_best_trial_is_ringed_in_panels_of_its_active_parameters() -> None:
    rings = []
    for axes in draw(PANELS, "title").axes[:3]:
        hollow = [c for c in axes.collections if len(c.get_offsets()) and c.get_facecolor().size == 0]
        rings.append([c.get_offsets()[0][0] for c in hollow])
    assert rings[0] == []
    assert 1 in rings[1]


@pytest.mark.parametrize(
    ("worst", "best"),
    [(0.0, 0.033), (0.2, 0.5), (0.1, 0.99), (0.97, 0.99), (0.5, 0.5), (0.0, 1.0)],
)
def test_a_few_accuracies_are_marked_without_overlap(worst: float, best: float) -> None:
    points = [Point(tid=tid, x=1, accuracy=accuracy) for tid, accuracy in enumerate((worst, best))]
    axes = draw([panel("rate", *points)], "title").axes[0]
    heights = sorted(axes.get_yticks())
    low, high = axes.get_ylim()
    assert 3 <= len(heights) <= 15
    assert min(b - a for a, b in pairwise(heights)) > 0.04 * (high - low)
    assert len({text.get_text() for text in axes.get_yticklabels()}) == len(heights)


@pytest.mark.parametrize(
    "panels",
    [
        pytest.param(PANELS[2:], id="none active"),
        pytest.param([panel("rate", Point(tid=0, x=1, accuracy=None))], id="all failed"),
        pytest.param(
            [*PANELS, panel("rate", Point(tid=9, x=1, accuracy=1.0))] * 2, id="a perfect one, two rows"
        ),
    ],
)
def test_any_results_can_be_drawn(panels: list[Panel], tmp_path: Path) -> None:
    draw(panels, "title").savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
