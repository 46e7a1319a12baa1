"""Functions whose importance is known, and searches on them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.protocol import trial_rng
from tests.support.histories import history

#: The first 100 points that ``auto`` suggested for each function, with seed 0.
AUTO_TRIALS = Path(__file__).parents[1] / "unit" / "report" / "numbers" / "data" / "auto_trials.json"


@dataclass(frozen=True, kw_only=True)
class KnownFunction:
    """A function, and the shares of its total effects: brute force over 40,000 pairs of points."""

    name: str
    space: Space
    loss: Callable[[Values], float]
    shares: Mapping[str, float]


def _nested(v: Values) -> float:
    if v["m"] == 0:
        return 0.44 + 0.002 * (math.log(v["C"]) - 1) ** 2
    lr = 0.012 * (math.log(v["lr"]) + 6) ** 2
    return 0.15 + lr + 0.032 * (v["layers"] - 3.5) ** 2 + 1.05 * (v["drop"] - 0.2) ** 2


def _flat(v: Values) -> float:
    options = (0.0, 0.25, 0.5, 0.3)[int(v["k"])] + (0.0, 0.32)[int(v["c"])]
    return options + 1.1 * (v["x"] - 0.3) ** 2 + 0.6 * (v["y"] - 0.6) ** 2


def _interaction(v: Values) -> float:
    return v["a"] * v["b"] + 0.1 * v["c"] ** 2 + 0.08 * v["d"]


def _ishigami(v: Values) -> float:
    return math.sin(v["x1"]) + 7 * math.sin(v["x2"]) ** 2 + 0.1 * v["x3"] ** 4 * math.sin(v["x1"])


_MLP: dict[str, Any] = {
    "kind": "mlp", "lr": hp.loguniform("lr", -9, 0), "layers": hp.randint("layers", 1, 6),
    "drop": hp.uniform("drop", 0, 0.5),
}  # fmt: skip

NESTED = KnownFunction(
    name="nested",
    space=Space(hp.choice("m", [{"kind": "svm", "C": hp.loguniform("C", -5, 5)}, _MLP])),
    loss=_nested,
    shares={"m": 0.432, "C": 0.010, "drop": 0.017, "layers": 0.138, "lr": 0.403},
)
FLAT = KnownFunction(
    name="flat",
    space=Space([
        hp.choice("k", ["a", "b", "c", "d"]), hp.choice("c", ["u", "v"]),
        hp.uniform("x", 0, 1), hp.uniform("y", 0, 1), hp.uniform("noise", 0, 1),
    ]),
    loss=_flat,
    shares={"k": 0.377, "c": 0.309, "x": 0.275, "y": 0.038, "noise": 0.0},
)  # fmt: skip
INTERACTION = KnownFunction(
    name="interaction",
    space=Space([hp.uniform(label, -1, 1) for label in "abcde"]),
    loss=_interaction,
    shares={"a": 0.493, "b": 0.493, "c": 0.004, "d": 0.009, "e": 0.0},
)
ISHIGAMI = KnownFunction(
    name="ishigami",
    space=Space([hp.uniform(f"x{i}", -math.pi, math.pi) for i in (1, 2, 3)]),
    loss=_ishigami,
    # exact: 0.5576, 0.4424 and 0.2437 of the variance (Ishigami and Homma 1990)
    shares={"x1": 0.4483, "x2": 0.3557, "x3": 0.1960},
)


def random_search(function: KnownFunction, n: int, seed: int = 0) -> History:
    """Return a random search."""
    points = [function.space.sample(trial_rng(seed, i)) for i in range(n)]
    return history(function.space, points, [function.loss(point) for point in points])


def auto_search(function: KnownFunction) -> History:
    """Return the first 100 trials of a search with ``auto``."""
    labels = [parameter.label for parameter in function.space.parameters]
    rows = json.loads(AUTO_TRIALS.read_text())[function.name]
    points = [{k: v for k, v in zip(labels, row, strict=True) if v is not None} for row in rows]
    return history(function.space, points, [function.loss(point) for point in points])
