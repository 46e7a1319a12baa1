"""Problems whose trials report a learning curve; see README.md."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from problems.space import Choice, Config, Int, Space
from problems.surrogates import SPACES, load_network, metric_number, output

Curve: TypeAlias = NDArray[np.float64]

#: The problems that are shipped, all of them for development.
NAMES = ("diabetes", "friedman", "lcbench:3945", "lcbench:168330", "lcbench:189909")

_DATA = Path(__file__).parent / "data"
#: Epochs at which the network predicts; between them curves are interpolated in the logarithm of the epoch.
_EPOCHS = np.array([1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 35, 43, 52])
_N_EPOCHS = 52


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveProblem:
    """A space, and the losses after each step of a trial; the last one is what the trial returns."""

    space: Space
    n_steps: int  #: steps of a full trial
    curve: Callable[[Config], Curve]  #: (n_steps,) losses; NaN from where it diverged
    best: float  #: the least final loss that is known
    median: float  #: the median final loss of random configurations


@functools.cache
def problem(name: str) -> CurveProblem:
    """Return a problem by its name."""
    family, _, task = name.partition(":")
    return _lcbench(task) if family == "lcbench" else _table(family)


def _table(name: str) -> CurveProblem:
    path = _DATA / f"{name}.npz"
    if not path.exists():
        raise SystemExit(
            f"There is no table {name!r}; fidelity/train.py trains digits, diabetes and friedman."
        )
    with np.load(path) as archive:
        levels: Mapping[str, list[Any]] = json.loads(str(archive["levels"]))
        curves = archive["curves"].astype(np.float64)
    shape = [len(values) for values in levels.values()]

    def curve(config: Config) -> Curve:
        row = np.ravel_multi_index([int(config[label]) for label in levels], shape)
        return np.asarray(curves[row])

    finals = np.where(np.isnan(curves[:, -1]), np.inf, curves[:, -1])
    return CurveProblem(
        space={label: _parameter(values) for label, values in levels.items()},
        n_steps=curves.shape[1],
        curve=curve,
        best=float(finals.min()),
        median=float(np.median(finals)),
    )


def _parameter(values: list[Any]) -> Int | Choice:
    """Return the parameter of an axis of a table: the place of a number, or one of several options."""
    if isinstance(values[0], str) or len(values) == 2:
        return Choice.of(range(len(values)))
    return Int(0, len(values) - 1)


def _lcbench(task: str) -> CurveProblem:
    with np.load(_DATA / "lcbench.npz") as archive:
        biases, bounds = archive[f"{task}/biases"], archive[f"{task}/bounds"]
        metric = str(archive[f"{task}/metric"])
    number = metric_number("lcbench", metric)
    networks = [{**load_network("lcbench"), "epoch": bias} for bias in biases]

    @functools.lru_cache(maxsize=100_000)
    def known(config: tuple[tuple[str, Any], ...]) -> Curve:
        values = np.array([output(network, dict(config), "epoch", number) for network in networks])
        if metric == "val_accuracy":
            values = 1 - values / 100
        return np.asarray(np.interp(np.log(np.arange(1, _N_EPOCHS + 1)), np.log(_EPOCHS), values))

    return CurveProblem(
        space=SPACES["lcbench"],
        n_steps=_N_EPOCHS,
        curve=lambda config: known(tuple(sorted(config.items()))),
        best=float(bounds[0]),
        median=float(bounds[1]),
    )
