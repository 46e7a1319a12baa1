"""Figures drawn with matplotlib."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.report.matplotlib.figures import draw_figures
from hpsearch.report.matplotlib.save import save_figure
from hpsearch.report.palette import DARK
from hpsearch.report.plotdata.kinds import KINDS, kinds_for
from hpsearch.report.read_search import read_search
from hpsearch.store.memory.store import MemoryStore
from tests.support.pictured import front_data, long_data, nested_trials, search_data, store_nested


def test_every_kind_is_drawn_without_a_warning_and_with_its_texts(tmp_path: Path) -> None:
    store = MemoryStore()
    store_nested(store)
    kinds = kinds_for(store.experiment("nested"))
    needs = [need for kind in kinds for need in kind.needs]
    data = read_search(store, store.experiment("nested"), needs, ("lr", "depth"))
    figures = [kind.build((data,)) for kind in kinds]
    figures += [KINDS[kind].build((front_data(),)) for kind in ("front", "growth")]
    path = tmp_path / "all.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(draw_figures(figures), path)

    text = path.read_text()
    for figure in figures:
        assert figure.panels
        assert f"<!-- {figure.title} -->" in text
    assert "no loss" in text
    assert "inactive" in text


@pytest.mark.parametrize("kind", ["history", "slice"])
def test_a_long_search_and_an_empty_one_are_drawn_in_dark_colours(kind: str, tmp_path: Path) -> None:
    figures = [KINDS[kind].build((data,)) for data in (long_data(), search_data([]))]
    save_figure(draw_figures(figures, DARK), tmp_path / "dark.png", dpi=30)
    assert (tmp_path / "dark.png").read_bytes().startswith(b"\x89PNG")


def test_dollars_and_hostile_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    trials = [replace(trial, exp_key="$ \\frac") for trial in nested_trials(20)]
    figure = KINDS["distribution"].build((search_data(trials), search_data(nested_trials(20))))
    drawn = draw_figures([figure])
    save_figure(drawn, tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
