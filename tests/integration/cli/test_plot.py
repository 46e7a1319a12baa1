"""``hpsearch plot``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.pictured import store_nested


@pytest.fixture
def nested(store: MongoStore) -> None:
    store_nested(store)


@pytest.mark.usefixtures("nested")
def test_an_overview_is_drawn_unless_a_kind_is_named(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "nested.svg"
    assert call("plot", "nested", "-o", str(path)).out == f"Wrote {path}.\n"
    text = path.read_text()
    for title in (
        "Losses over the trials",
        "Importance",
        "Losses over each parameter",
        "The tree of choices",
    ):
        assert f"<!-- {title}" in text


@pytest.mark.usefixtures("nested")
def test_parameters_and_kinds_can_be_named(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "slice.svg"
    call("plot", "nested", "--kind", "slice", "--parameter", "depth", "--output", str(path))
    text = path.read_text()
    assert "<!-- depth -->" in text
    assert "<!-- units -->" not in text


def test_two_searches_are_compared_by_their_losses(call: Call, store: MongoStore, tmp_path: Path) -> None:
    store_nested(store, "one")
    store_nested(store, "two", 30)
    path = tmp_path / "both.svg"
    call("plot", "one", "two", "-o", str(path))
    assert {"<!-- one -->", "<!-- two -->"} <= {line.strip() for line in path.read_text().splitlines()}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nested", "--kind", "sliced"], 2, "'sliced' is not one of 'front'"),
        (["nested", "--parameter", "dept"], 2, "nested has no parameter 'dept'. Did you mean 'depth'?"),
        (["nested", "--kind", "history", "--parameter", "lr"], 2, "--kind history has no --parameter."),
        (["nested", "-o", "picture.gif"], 2, "does not end in .png, .svg or .pdf"),
        (["nested", "none"], 4, "There is no experiment 'none'"),
        (["none", "--kind", "slice"], 4, "There is no experiment 'none'"),
        (
            ["nested", "--kind", "history", "-o", "/nowhere/x.png"],
            78,
            "The picture cannot be written to /nowhere/x.png",
        ),
    ],
)
@pytest.mark.usefixtures("nested")
def test_a_wrong_request_is_one_sentence(call: Call, arguments: list[str], code: int, sentence: str) -> None:
    done = call("plot", *arguments)
    assert done.code == code
    assert sentence in done.err
    assert "Traceback" not in done.err


def test_a_kind_for_one_search_refuses_two(call: Call, store: MongoStore) -> None:
    store_nested(store, "one", 0)
    store_nested(store, "two", 0)
    assert "--kind history shows one search" in call("plot", "one", "two", "--kind", "history").err


def test_an_empty_search_is_said_to_be_empty(call: Call, store: MongoStore, tmp_path: Path) -> None:
    store_nested(store, "empty", 0)
    done = call("plot", "empty", "-o", str(tmp_path / "x.png"))
    assert "There is nothing to draw: empty has no trials yet." in done.err
    assert not (tmp_path / "x.png").exists()


@pytest.mark.usefixtures("nested")
def test_without_matplotlib_the_error_names_the_extra(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "install hpsearch[plot]" in call("plot", "nested", "--kind", "history").err
