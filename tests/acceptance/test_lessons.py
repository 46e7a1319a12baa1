"""The lessons teach what is so: each runs by the command of the manual, and prints what it promises."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp
from tests.support.documentation import REPOSITORY

LESSONS = REPOSITORY / "scripts" / "examples" / "lessons"
PAGE = (REPOSITORY / "docs" / "hyperopt.md").read_text()

Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command as the manual gives it, in a folder of one's own, and return what it prints."""
    (tmp_path / "scripts").symlink_to(REPOSITORY / "scripts")
    programs = {"python": [sys.executable], "hpsearch": [sys.executable, "-m", "hpsearch"]}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HPSEARCH_")}

    def run(command: str) -> str:
        program, *words = shlex.split(command)
        done = subprocess.run(
            [*programs[program], *words],
            cwd=tmp_path,
            env={**environment, "HPSEARCH_HOME": str(tmp_path / "home")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def command(lesson: str) -> str:
    """Return the command that the manual gives for a lesson."""
    [found] = re.findall(rf"^\|.*`([^`]*/{lesson}\.py[^`]*)` \|$", PAGE, flags=re.MULTILINE)
    return found


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


def after(label: str, text: str) -> str:
    """Return the rest of the line that begins with a label."""
    [line] = [line for line in text.splitlines() if line.startswith(label)]
    return line.removeprefix(label).strip()


def test_every_lesson_has_a_command_in_the_manual_and_a_row_in_its_folder() -> None:
    overview = (LESSONS / "README.md").read_text()
    for path in LESSONS.glob("*.py"):
        assert command(path.stem)
        assert f"]({path.name})" in overview


@pytest.mark.long
def test_the_first_lesson_draws_every_distribution(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra plot")
    assert run(command("distributions")) == "Wrote distributions.png.\n"
    assert (tmp_path / "distributions.png").read_bytes().startswith(b"\x89PNG")


def test_the_first_lesson_prints_types_and_quartiles_of_every_distribution(run: Run) -> None:
    rows = {
        line.split()[0]: line.split()[1:] for line in run(f"python {LESSONS}/distributions.py").splitlines()
    }
    assert rows.keys() == {"hp.", *hp.__all__}
    assert {name: row[0] for name, row in rows.items()}["quniform"] == "float"
    assert [rows[name][0] for name in ("randint", "uniformint", "choice")] == ["int", "int", "str"]
    quartiles = [float(text) for text in rows["loguniform"][1:]]
    assert quartiles == pytest.approx([0.01, 0.1, 1], rel=0.2)


def test_the_search_finds_the_minimum_of_the_parabola(run: Run) -> None:
    said = run(command("parabola"))
    best = [float(line.split(": ")[1]) for line in said.splitlines() if line.startswith("best of")]
    assert len(best) == 5
    assert best == sorted(best, reverse=True)
    x, value = numbers(after("found", said))
    assert (x, value) == (pytest.approx(0.5, abs=0.1), pytest.approx(0.75, abs=0.01))


def test_with_a_dict_space_results_use_labels_and_the_objective_gets_keys(run: Run) -> None:
    said = run(command("dict_space"))
    answer = ast.literal_eval(after("fmin's answer, by label:", said))
    config = ast.literal_eval(after("what the objective received:", said))
    assert answer.keys() == {"polynomial degree", "ridge penalty"}
    assert config == {"degree": answer["polynomial degree"], "penalty": answer["ridge penalty"]}
    assert isinstance(config["degree"], int)
    [error] = numbers(after("error at the points held out:", said))
    [stiff], [free] = (numbers(after(f"degree {degree}, ", said)) for degree in (1, 20))
    assert error < min(stiff, free)


def test_with_a_nested_space_an_omitted_step_is_none_and_has_no_labels(run: Run) -> None:
    said = run(command("nested_space"))
    answer = ast.literal_eval(after("fmin's answer:", said))
    config = ast.literal_eval(after("trials.best_config:", said))
    [untouched], [cleaned] = (numbers(after(label, said)) for label in ("untouched:", "cleaned:"))
    assert cleaned < untouched / 20
    assert ("cut_at" in answer) == (config["cut"] is not None) == (answer["cut"] == 1)
    assert ("reach" in answer) == ("reach" in (config["smoothing"] or {})) == (answer["smoothing"] == 1)
    assert sum(int(n) for n in re.findall(r"(\d+) times", said)) == 120


def test_the_history_shows_failed_trials_and_the_best_did_not_fail(run: Run) -> None:
    said = run(command("history"))
    rows = [line.split()[:4] for line in said.splitlines() if "x=" in line and "best_trial" not in line]
    assert [int(tid) for tid, *_ in rows] == list(range(30))
    trials = {int(tid): (float(x.removeprefix("x=")), loss, status) for tid, x, loss, status in rows}
    for x, loss, status in trials.values():
        assert status == ("ok" if 0 <= x <= 4 else "fail")
        assert (loss == "-") == (x < 0)
    assert "-100.0000" in {loss for _, loss, _ in trials.values()}
    best = int(after("best_trial is number", said).partition(":")[0])
    assert trials[best][2] == "ok"
    assert float(trials[best][1]) == min(float(loss) for _, loss, status in trials.values() if status == "ok")
    assert sum(int(n) for n in re.findall(r"^(\d+) of the", said, re.MULTILINE)) == sum(
        status == "fail" for _, _, status in trials.values()
    )


def test_a_saved_search_continues_as_if_it_had_not_stopped(run: Run, tmp_path: Path) -> None:
    said = run(command("resume_by_pickle"))
    counts = {
        label: after(f"{label}:", said).split()[0] for label in ("saved", "loaded", "resumed", "at once")
    }
    assert counts == {"saved": "20", "loaded": "20", "resumed": "40", "at once": "40"}
    assert after("the same trials in the same order:", said) == "True"
    assert [path.name for path in tmp_path.iterdir()] == ["scripts"]


@pytest.mark.long
def test_a_search_continues_by_its_key(run: Run) -> None:
    source = (LESSONS / "resume_by_key.py").read_text()
    begin, go_on, look = re.findall(r"^    (hpsearch .*)$", source, flags=re.MULTILINE)
    assert begin.startswith(command("resume_by_key"))
    assert "10/10 finished" in run(begin)
    first = trials(run)
    assert "20/20 finished" in run(go_on)
    assert trials(run)[:10] == first
    losses = [float(line.split()[2]) for line in run(look).splitlines()[1:]]
    assert losses == pytest.approx(sorted(trial["loss"] for trial in trials(run))[:5], rel=1e-5)


def trials(run: Run) -> list[dict[str, Any]]:
    """Return all trials of the last lesson, as they stand in the database."""
    return json.loads(run("hpsearch trials lesson --format json"))["trials"]
