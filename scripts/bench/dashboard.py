"""The page of a search in a real browser, beside optuna-dashboard on the same trials.

``scripts/browser`` installs the browser; optuna-dashboard runs from an environment of its own::

    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install optuna-dashboard==0.21.0
    .venv/bin/python scripts/bench/dashboard.py --peer /tmp/peer

A figure is CPU seconds of the whole Chromium tree above those of an empty page, until all pictures are drawn
(here) or the history has points (there); a page that has not drawn after ``--limit`` seconds counts with
what it used until then. The server's CPU counts separately.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import State, Trial
from hpsearch.mongod import ephemeral_mongod
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore

REPOSITORY = Path(__file__).parents[2]
PACKAGES = REPOSITORY / ".venv" / "browser"
#: All pictures of a page; those without anything to show are hidden.
N_PICTURES, PICTURES = 11, ".figure[data-drawn], .figure[hidden]"
LABELS = tuple(f"x{i}" for i in range(7))

#: Makes the same trials in Optuna's storage; runs in the peer's environment.
MAKE_STUDY = """
import json, sys
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
optuna.logging.set_verbosity(optuna.logging.ERROR)
url, path = sys.argv[1:]
study = optuna.create_study(storage=url, study_name="bench")
points, losses = json.load(open(path))
space = {f"x{i}": FloatDistribution(-10.0, 10.0) for i in range(7)}
trials = [create_trial(params={f"x{i}": v for i, v in enumerate(point)}, distributions=space, value=loss)
          for point, loss in zip(points, losses)]
study.add_trials(trials)
"""


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[20_000])
    parser.add_argument("--peer", type=Path, help="environment with optuna-dashboard; none: only our page")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a page to draw")
    options = parser.parse_args()
    print(
        "page  trials  browser_cpu_s  wall_s  pictures  payload_kb  library_kb  idle_cpu_s_in_10_s  "
        "server_cpu_s  dom"
    )
    for n in options.trials:
        points, losses = made(n)
        with our_page(points, losses) as (url, process):
            report("hpsearch", n, url, PICTURES, N_PICTURES, options.limit, process)
        if options.peer is not None:
            with peer_page(options.peer, points, losses) as (url, process):
                report("optuna-dashboard", n, url, ".scatterlayer .point", 1, options.limit, process)


def made(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 7) points and (n,) losses that look like those of a search: ever nearer to the optimum."""
    rng = np.random.default_rng(0)
    spread = np.geomspace(6, 0.5, n)[:, None]
    points = np.clip(rng.normal(1.0, spread, (n, len(LABELS))), -10, 10)
    losses = ((points[:, :3] - 1) ** 2).sum(1) + 0.1 * rng.exponential(size=n)
    return points, losses


@contextmanager
def our_page(points: np.ndarray, losses: np.ndarray) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve the trials with hpsearch."""
    space = Space({label: hp.uniform(label, -10, 10) for label in LABELS})
    began = datetime(2026, 1, 1, tzinfo=UTC)
    with ephemeral_mongod() as server:
        store = MongoStore.connect(server.uri, patience=Patience(60.0))
        experiment = Experiment(
            exp_key="bench",
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=ObjectiveRef(kind="import", ref="bench:objective"),
        )
        store.open_experiment(experiment)
        trials = [trial(space, tid, points[tid], losses[tid], began) for tid in range(len(losses))]
        for start in range(0, len(trials), 5_000):
            store.insert(trials[start : start + 5_000])
        store.close()
        page = [sys.executable, "-u", "-m", "hpsearch", "dashboard", "bench", "--port", "0"]
        command = [*page, "--store", server.uri]
        with ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
            assert process.stdout is not None
            yield process.stdout.readline().split()[1], process


def trial(space: Space, tid: int, point: np.ndarray, loss: float, began: datetime) -> Trial:
    values = {label: float(value) for label, value in zip(LABELS, point, strict=True)}
    at = began + timedelta(seconds=tid)
    return Trial(
        exp_key="bench", tid=tid, values=values, params=space.params(values), state=State.DONE,
        loss=float(loss), result={"loss": float(loss)}, created_at=at, claimed_at=at,
        finished_at=at + timedelta(seconds=1), duration_s=1.0,
    )  # fmt: skip


@contextmanager
def peer_page(
    peer: Path, points: np.ndarray, losses: np.ndarray
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve the trials with optuna-dashboard."""
    with tempfile.TemporaryDirectory() as folder:
        url, path = f"sqlite:///{folder}/study.db", Path(folder) / "trials.json"
        path.write_text(json.dumps([points.tolist(), losses.tolist()]))
        subprocess.run([peer / "bin" / "python", "-c", MAKE_STUDY, url, path], check=True)
        command = [str(peer / "bin" / "optuna-dashboard"), url, "--host", "127.0.0.1", "--port", "8931"]
        quiet = subprocess.DEVNULL
        with ended(subprocess.Popen(command, stdout=quiet, stderr=quiet, text=True)) as process:
            address = "http://127.0.0.1:8931/dashboard/studies/0"
            for _ in range(600):
                try:
                    urllib.request.urlopen("http://127.0.0.1:8931/dashboard/", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            studies = json.load(urllib.request.urlopen("http://127.0.0.1:8931/api/studies", timeout=60))
            number = studies["study_summaries"][0]["study_id"]
            yield address.replace("/0", f"/{number}"), process


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def report(
    name: str, n: int, url: str, selector: str, n_drawn: int, limit: float, process: subprocess.Popen[str]
) -> None:
    """Open a page and print its figures."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    assert node, "install node"
    assert chromium, "run scripts/browser"
    before = cpu_seconds(process.pid)
    script = Path(__file__).with_name("browse.mjs")
    done = subprocess.run(
        [node, script, PACKAGES, chromium, url, selector, str(n_drawn), str(limit)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    server_s = cpu_seconds(process.pid) - before
    cells = (
        name, n, f"{found['cpu_s']:.1f}", f"{found['wall_s']:.1f}", f"{found['drawn']}/{n_drawn}",
        f"{found['kb']:.0f}", f"{found['script_kb']:.0f}", f"{found['idle_s']:.2f}",
        f"{server_s:.1f}", found["nodes"],
    )  # fmt: skip
    print(*cells, sep="  ", flush=True)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
