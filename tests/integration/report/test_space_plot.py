"""The picture of a space: its content, and that any space can be drawn."""

from __future__ import annotations

import math
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.report.matplotlib.save import save_figure
from hpsearch.report.space_histograms import Panel, space_panels
from hpsearch.report.space_plot import draw_panels
from hpsearch.space.tree import Space
from tests.support.extras import needs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

pytestmark = needs("matplotlib", "plot")

HOSTILE = [
    hp.uniform("$x$ $", 0, 1),
    hp.loguniform("bell\a\nand a label that is longer than its picture is wide", -300, 300),
    hp.lognormal("wild", 0, 300),
    hp.quniform("tiny", 0, 1e-9, 1e-10),
    hp.qnormal("huge", 0, 1e140, 1e130),
    hp.choice(
        "costs", ["$5", "a\nb", "an option with a name that is longer than its bar", hp.normal("n", 0, 1)]
    ),
    hp.pchoice("rare", [(0.999, 0), (0.001, hp.normal("seldom", 0, 1))]),
]


def panels(expression: object) -> tuple[Panel, ...]:
    space = Space(expression)
    rng = np.random.default_rng(0)
    return space_panels(space, [space.sample(rng) for _ in range(500)])


def words(figure: Figure) -> set[str]:
    """Return every text of a figure."""
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}  # type: ignore[attr-defined]


def test_a_log_parameter_has_a_log_axis_and_a_linear_one() -> None:
    figure = draw_panels(panels(hp.loguniform("rate", math.log(1e-4), 0)), "")
    over_log, by_value = figure.axes
    assert (over_log.get_xscale(), by_value.get_xscale()) == ("log", "linear")
    assert over_log.get_xlim() == pytest.approx((1e-4, 1))
    assert {"rate", "loguniform", "by value", "0.0001 .. 1"} <= words(figure)


@pytest.mark.parametrize(("low", "high"), [(1, 2), (0.02, 0.5), (3, 400), (1e-6, 1)])
def test_a_log_axis_has_several_ticks_however_wide_it_is(low: float, high: float) -> None:
    axes = draw_panels(panels(hp.loguniform("rate", math.log(low), math.log(high))), "").axes[0]
    assert 3 <= sum(low * 0.999 <= tick <= high * 1.001 for tick in axes.get_xticks()) <= 10


def test_a_long_range_is_wrapped() -> None:
    figure = draw_panels(panels(hp.qlognormal("x", 3, 3, 1)), "")
    assert "median 20.0855, times or divided by\n20.0855, step 1" in words(figure)


def test_options_have_names_and_shares_on_their_bars() -> None:
    figure = draw_panels(panels(hp.pchoice("kind", [(0.9, "adam"), (0.1, None)])), "of a space")
    assert {"of a space", "kind", "adam", "None", "2 options"} <= words(figure)
    shares = [bar.get_width() for bar in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert {f"{share:.0%}" for share in shares} <= words(figure)
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("parameter", "is_halved"),
    [
        (hp.uniformint("n", 1, 4), True),
        (hp.quniform("n", 0, 8, 2), True),
        (hp.quniform("n", 0.5, 8.5, 1), False),
        (hp.uniform("n", 1, 4), False),
        (hp.randint("n", 1, 4), False),
    ],
)
def test_the_picture_says_why_the_bars_at_the_ends_are_lower(parameter: Any, is_halved: bool) -> None:
    text = "\n".join(words(draw_panels(panels(parameter), "")))
    assert ("ends half as likely: Hyperopt's rounding" in text) is is_halved


def test_each_step_is_a_bar_around_its_value() -> None:
    [axes] = draw_panels(panels(hp.quniform("x", 0, 1, 0.5)), "").axes
    assert [bar.get_x() for bar in axes.patches] == pytest.approx([-0.25, 0.25, 0.75])  # type: ignore[attr-defined]
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)  # type: ignore[attr-defined]


def test_the_picture_shows_the_share_of_samples_with_a_conditional_parameter() -> None:
    drawn = panels({"use": hp.choice("use", [None, {"rate": hp.uniform("rate", 0, 1)}])})
    assert f"0 .. 1\nactive in {drawn[1].active:.0%} of the samples" in words(draw_panels(drawn, ""))


def test_the_picture_names_the_share_outside_its_axis() -> None:
    assert "5% lie outside" in words(draw_panels(panels(hp.lognormal("x", 0, 2)), ""))


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_any_space_is_drawn_in_any_format_without_a_warning(
    ending: str, start: bytes, tmp_path: Path
) -> None:
    """Dollar signs start no formula, control characters are escaped, and extreme ranges have a text."""
    path = tmp_path / f"space{ending}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(draw_panels(panels(HOSTILE), "$ \\frac"), path)
    assert path.read_bytes().startswith(start)


@pytest.mark.long
def test_a_space_with_hundreds_of_parameters_can_be_drawn(tmp_path: Path) -> None:
    drawn = panels(hp.randint("x", 3)) * 1000
    figure = draw_panels(drawn[:8], "")
    figure.set_size_inches(13, 600)  # as high as a thousand panels
    save_figure(figure, tmp_path / "space.png")
    assert (tmp_path / "space.png").stat().st_size > 0


def test_a_file_that_cannot_be_written_is_reported_in_one_sentence(tmp_path: Path) -> None:
    figure = draw_panels(panels(hp.uniform("x", 0, 1)), "")
    with pytest.raises(ConfigurationError, match=r"cannot be written to .*: No such file or directory"):
        save_figure(figure, tmp_path / "nowhere" / "space.png")


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"install hpsearch\[plot\]"):
        draw_panels(panels(hp.uniform("x", 0, 1)), "")
