"""The search in one process, as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from convnet.results import Record, read_records, write_record
from convnet.space import space

from hpsearch import Space

EXAMPLE = Path(__file__).parents[3] / "scripts" / "examples" / "convnet"

#: Runs a script in an interpreter that finds no module of some name, as if it were not installed.
WITHOUT = """
import runpy, sys
_, missing, *sys.argv = sys.argv
sys.modules[missing] = None
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def environment(folder: Path, **changed: str) -> dict[str, str]:
    """Return the environment of a short search with results in a folder."""
    path = os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])
    return {
        **os.environ,
        "PYTHONPATH": path,
        "CONVNET_RESULTS": str(folder / "results"),
        "CONVNET_EPOCHS": "1",
        **changed,
    }


def call(folder: Path, *command: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a command to its end."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder, **changed),
        capture_output=True,
        text=True,
        timeout=200,
    )


def write_results(folder: Path, n: int) -> list[Record]:
    """Write the results of a search, as it would have left them."""
    searched, rng = Space(space), np.random.default_rng(1)
    records = []
    for tid in range(n):
        values = searched.sample(rng)
        result = {"status": "ok", "accuracy": 0.5 + tid / 100, "dataset": "digits"}
        records.append(
            Record(exp_key="fmin", tid=tid, values=values, params=searched.params(values), result=result)
        )
        write_record(folder / "results", records[-1])
    return records


def test_a_killed_search_continues_with_the_same_command(tmp_path: Path) -> None:
    """No saved trial is evaluated again, and the number of trials is exact."""
    pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")
    command = [str(EXAMPLE / "search.py"), "--max-evals", "12", "--exp-key", "mine/digits"]
    results = tmp_path / "results"
    with subprocess.Popen(
        [sys.executable, *command], cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 120
        while len(list(results.glob("*.json"))) < 4:
            assert process.poll() is None, "the search ended before it could be killed"
            assert time.monotonic() < deadline, "waited 120 s for four trials"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    # A trial's file comes before the search is saved: the last one may not have been.
    kept = {path: path.stat().st_mtime_ns for path in sorted(results.glob("*.json"))[:-1]}
    assert len(kept) < 11, "the search ended before it could be killed"

    done = call(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert [record.tid for record in read_records(results)] == list(range(12))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert re.search(r"best of the first 10 trials, at random: accuracy 0\.\d{4} \(trial \d\)", done.stdout)
    assert re.search(r"best of all 12 trials.*: accuracy 0\.\d{4} \(trial \d+\)", done.stdout)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("torch", r"install hpsearch\[torch\]"), ("sklearn.datasets", r"install hpsearch\[examples\]")],
)
def test_a_missing_package_is_reported_in_one_line(missing: str, sentence: str, tmp_path: Path) -> None:
    if missing != "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")
    done = call(tmp_path, "-c", WITHOUT, missing, str(EXAMPLE / "search.py"))
    assert done.returncode == 1
    assert re.search(sentence, done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_missing_images_are_reported_before_a_trial_is_claimed(tmp_path: Path) -> None:
    """Also under hpsearch, which loads the objective before there is a search."""
    pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")
    search = str(EXAMPLE / "search.py")
    for command in ([search], ["-m", "hpsearch", "space", "show", search]):
        done = call(tmp_path, *command, CONVNET_DATA=str(tmp_path / "nowhere"))
        assert done.returncode != 0
        assert "nowhere/train.bin; CONVNET_DATA must be the folder" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_missing_device_is_reported_in_one_line(device: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")
    done = call(tmp_path, str(EXAMPLE / "search.py"), CONVNET_DEVICE=device)
    assert f"cannot compute on CONVNET_DEVICE={device} here" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_results_are_drawn_without_torch(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra plot)")
    write_results(tmp_path, 12)
    done = call(tmp_path, "-c", WITHOUT, "torch", str(EXAMPLE / "plot.py"), "--output", "all.png")
    assert done.returncode == 0, done.stderr
    assert "best of all 12 trials: accuracy 0.6100 (trial 11)" in done.stdout
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")


def test_a_scatter_plot_without_matplotlib_or_of_another_space_is_refused(tmp_path: Path) -> None:
    first, *_ = write_results(tmp_path, 2)
    done = call(tmp_path, "-c", WITHOUT, "matplotlib", str(EXAMPLE / "plot.py"))
    assert "install hpsearch[plot]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    write_record(tmp_path / "results", replace(first, values={"x": 1.0}))
    done = call(tmp_path, str(EXAMPLE / "plot.py"))
    assert "no parameter 'x'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
