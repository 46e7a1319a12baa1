"""Libraries that drive Hyperopt, each with one small search, under Hyperopt and under our package."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compat.environments import ROOT, clean_environment, python_of

_SEARCHES = Path(__file__).parent / "searches"

#: Seconds for one search, on a busy machine.
_LIMIT_S = 600


@dataclass(frozen=True, kw_only=True)
class Library:
    """One library, and what its search has to reach."""

    name: str
    requirements: tuple[str, ...]  #: for pip; one that pins Hyperopt brings it
    uses: str  #: what of it is run
    good: float  #: a loss that every sane search of this kind reaches


LIBRARIES = (
    Library(
        name="ray",
        requirements=("ray[tune]==2.60.0", "hyperopt==0.3.0"),
        uses="`HyperOptSearch`: points to begin with, two trials at a time, a saved searcher, Ray's spaces",
        good=0.05,
    ),
    Library(
        name="hyperopt-sklearn",
        requirements=("hyperopt-sklearn==1.1.1", "setuptools<81"),  # Hyperopt 0.2.7 needs pkg_resources
        uses="`HyperoptEstimator`: classifiers and preprocessing, a process for each trial",
        good=0.2,
    ),
    Library(
        name="thegolem",
        requirements=("thegolem==0.5.0",),
        uses="`SimultaneousTuner` and `SequentialTuner` of graphs",
        good=1.0,
    ),
    Library(
        name="nevergrad",
        requirements=("nevergrad==1.0.12", "hyperopt==0.3.0"),
        uses='the optimizer "HyperOpt": ask and tell',
        good=0.2,
    ),
    Library(
        name="shap-hypetune",
        requirements=("shap-hypetune==0.2.7", "lightgbm"),
        uses="`BoostSearch` over LightGBM's parameters",
        good=10_000.0,
    ),
    Library(
        name="lale",
        requirements=("lale==0.9.5", "hyperopt==0.3.0"),
        uses="`Hyperopt` over a choice of pipelines",
        good=-0.8,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one search reported; or why it did not."""

    evaluations: int | None = None
    best: float | None = None
    package: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One library under both packages."""

    library: Library
    theirs: Outcome
    ours: Outcome

    def problem(self) -> str | None:
        """Return what is wrong here, if anything is."""
        name, ours, theirs = self.library.name, self.ours, self.theirs
        if ours.error:
            return f"{name} fails: {ours.error}"
        if ours.package != "hpsearch.hyperopt":
            return f"{name} imported {ours.package} as hyperopt"
        if not theirs.error and ours.evaluations != theirs.evaluations:
            return f"{name} made {ours.evaluations} evaluations, under Hyperopt {theirs.evaluations}"
        if ours.best is None or not ours.best <= self.library.good:
            return f"{name} found {ours.best}, which is worse than {self.library.good}"
        return None


def run(names: Sequence[str]) -> Iterator[Row]:
    """Run the search of each named library, or of all, under both packages."""
    for library in LIBRARIES:
        if not names or library.name in names:
            python = python_of(library.name, library.requirements)
            script = _SEARCHES / f"with_{library.name.replace('-', '_')}.py"
            yield Row(
                library=library,
                theirs=_outcome([python, script]),
                ours=_outcome([python, "-m", "hpsearch.hyperopt", script]),
            )


def table(rows: Sequence[Row]) -> str:
    """Return the outcomes as a table in Markdown."""
    lines = [
        "| library | what is run | evaluations | best loss under Hyperopt | here |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        requirement = row.library.requirements[0].replace("==", " ")
        lines.append(
            f"| {requirement} | {row.library.uses} | {_shown(row.ours.evaluations, row.ours)} "
            f"| {_shown(row.theirs.best, row.theirs)} | {_shown(row.ours.best, row.ours)} |"
        )
    return "\n".join(lines)


def _shown(number: float | None, outcome: Outcome) -> str:
    return f"fails: {outcome.error}" if number is None else f"{number:.4g}"


def _outcome(command: Sequence[str | Path]) -> Outcome:
    """Run one search; its last line of output is what it reports."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT / ".compat",
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(error=f"not done after {_LIMIT_S} s")
    if done.returncode != 0:
        return Outcome(error=(done.stderr.strip().splitlines() or ["no word"])[-1])
    reported: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return Outcome(**reported)
