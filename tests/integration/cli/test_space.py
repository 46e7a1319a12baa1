"""``hpsearch space``: pictures and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import Call


def test_a_picture_of_the_space_shows_every_parameter_and_is_the_same_for_the_same_seed(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra plot")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HPSEARCH_STORE", "")
    outcomes = [
        call("space", "plot", "search.py", "--seed", seed, "--output", name)
        for name, seed in (("one.svg", "1"), ("same.svg", "1"), ("other.svg", "2"))
    ]
    assert [(done.code, done.err) for done in outcomes] == [(0, "")] * 3
    assert outcomes[0].out == "Wrote one.svg.\n"
    one, same, other = (curves((folder / name).read_text()) for name in ("one.svg", "same.svg", "other.svg"))
    assert one == same != other
    text = (folder / "one.svg").read_text()
    for words in ("5,000 samples of search.py", "-5 .. 5", "kind", "2 options"):
        assert words in text


def curves(svg: str) -> list[str]:
    """Return the lines of a drawing with coordinates, which do not depend on time and file."""
    return [line for line in svg.splitlines() if line.startswith(("L ", "M "))]


def test_another_format_is_refused_before_anything_is_drawn(shell: Call, folder: Path) -> None:
    done = shell("space", "plot", "search.py", "--output", "space.jpg")
    assert done.code == 2
    assert "'space.jpg' does not end in .png, .svg or .pdf" in done.err
    assert not (folder / "space.jpg").exists()


def test_a_space_without_parameters_is_refused(shell: Call, folder: Path) -> None:
    (folder / "fixed.py").write_text("space = {'x': 1}\n")
    done = shell("space", "plot", "fixed.py")
    assert done.code == 65
    assert done.err == "hpsearch: The space of fixed.py has no parameters to draw.\n"
