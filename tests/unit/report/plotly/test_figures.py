"""Figures for plotly.js."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from hpsearch.report.palette import CSS_VARIABLES, DARK, LIGHT, palette_css
from hpsearch.report.plotdata.kinds import KINDS
from hpsearch.report.plotly.figures import plotly_figure
from hpsearch.report.plotly.library import (
    PLOTLY_FILE,
    PLOTLY_LICENCE,
    PLOTLY_SHA256,
    PLOTLY_VERSION,
    static_bytes,
)
from hpsearch.report.plotly.text import numbers
from tests.support.pictured import long_data, nested_trials, search_data


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_strict_json_in_which_hostile_texts_are_text(kind: str) -> None:
    figure = plotly_figure(KINDS[kind].build((search_data(nested_trials(), labels=("act", "lr")),)))

    text = json.dumps(figure, allow_nan=False)
    assert "<b>" not in text
    axes = {key for key in figure["layout"] if key.startswith(("xaxis", "yaxis"))}
    for trace in figure["data"]:
        assert {trace["xaxis"].replace("x", "xaxis"), trace["yaxis"].replace("y", "yaxis")} <= axes


def test_a_hundred_thousand_trials_stay_small() -> None:
    figures = [plotly_figure(KINDS[kind].build((long_data(),))) for kind in ("history", "slice", "parallel")]
    assert sum(len(json.dumps(figure)) for figure in figures) < 400_000


def test_an_empty_search_says_so_in_the_picture() -> None:
    figure = plotly_figure(KINDS["history"].build((search_data([]),)))
    assert "no trials yet" in figure["layout"]["annotations"][0]["text"]
    assert figure["data"] == []


def test_a_name_is_in_the_legend_once() -> None:
    figure = plotly_figure(KINDS["slice"].build((search_data(nested_trials()),)))
    names = [trace["name"] for trace in figure["data"] if trace["showlegend"]]
    assert len(names) == len(set(names))
    assert "failed" in names


def test_both_themes_differ_only_in_colours_that_css_variables_name() -> None:
    built = KINDS["parallel"].build((search_data(nested_trials()),))
    texts = [json.dumps(plotly_figure(built, palette)) for palette in (LIGHT, DARK, CSS_VARIABLES)]

    assert texts[0] != texts[1]
    assert "#" not in texts[2]
    css = palette_css()
    for part in texts[2].split('"var(')[1:]:
        assert f"{part.split(')')[0]}:#" in css


def test_numbers_are_short_and_nan_is_null() -> None:
    assert numbers(np.array([1.0, 0.123456789, np.nan, 1234567.891, -1e-12, 0.0])) == [
        1, 0.123457, None, 1234570, -1e-12, 0,
    ]  # fmt: skip


def test_the_vendored_library_is_the_released_one() -> None:
    script = static_bytes(PLOTLY_FILE)
    assert hashlib.sha256(script).hexdigest() == PLOTLY_SHA256
    assert f"v{PLOTLY_VERSION}\n".encode() in script[:200]
    assert b"Permission is hereby granted" in static_bytes(PLOTLY_LICENCE)
