"""Problems with known optima, for ``quality.py``: one family for each difficulty of searches.

Each problem is drawn from a seed: the place of its optimum, the relevant parameters, the failing region. A
space is a function of a module with Hyperopt's names, so that Hyperopt can search it, too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A space, and an objective to minimize over it."""

    name: str
    space: Callable[[Any], Any]  #: of a module with ``uniform`` ... ``choice``
    loss: Callable[[Config], float | None]  #: None where the trial fails
    optimum: float  #: the least loss there is
    noise: float = 0.0  #: standard deviation of what an evaluation adds


def _numbers(n: int) -> Callable[[Any], Any]:
    """Return a space of ``n`` numbers from 0 to 1."""
    return lambda hp: {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(n)}


def _vector(config: Config) -> np.ndarray:
    return np.array([config[f"x{i}"] for i in range(len(config))])


def valley(rng: np.random.Generator) -> Problem:
    """A long bent valley (Rosenbrock) in five numbers."""
    shift = rng.uniform(-0.5, 0.5, 5)

    def loss(config: Config) -> float:
        x = 4 * _vector(config) - 2 + shift
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    return Problem(name="valley", space=_numbers(5), loss=loss, optimum=0.0)


def ripples(rng: np.random.Generator) -> Problem:
    """A bowl with ripples in six numbers: hundreds of local optima."""
    centre = rng.uniform(0.2, 0.8, 6)

    def loss(config: Config) -> float:
        x = _vector(config) - centre
        return float((5 * x * x + 0.3 * (1 - np.cos(6 * math.pi * x))).sum())

    return Problem(name="ripples", space=_numbers(6), loss=loss, optimum=0.0)


def bowl(rng: np.random.Generator) -> Problem:
    """A rotated ellipsoid in ten numbers, a hundred times as steep in some directions as in others."""
    centre = rng.uniform(0.2, 0.8, 10)
    turn = np.linalg.qr(rng.standard_normal((10, 10)))[0]
    weights = np.logspace(0, 2, 10)

    def loss(config: Config) -> float:
        return float(weights @ (turn @ (_vector(config) - centre)) ** 2)

    return Problem(name="bowl", space=_numbers(10), loss=loss, optimum=0.0)


def sparse(rng: np.random.Generator) -> Problem:
    """Twenty numbers, of which three matter."""
    which, centre = rng.permutation(20)[:3], rng.uniform(0.2, 0.8, 3)

    def loss(config: Config) -> float:
        x = _vector(config)[which] - centre
        return float(1 - np.exp(-8 * (x * x).sum()) + 0.1 * abs(x[0] * x[1]))

    return Problem(name="sparse", space=_numbers(20), loss=loss, optimum=0.0)


def noisy(rng: np.random.Generator) -> Problem:
    """A bowl in four numbers under noise as large as a tenth of it."""
    centre = rng.uniform(0.2, 0.8, 4)

    def loss(config: Config) -> float:
        return float(((_vector(config) - centre) ** 2).sum())

    return Problem(name="noisy", space=_numbers(4), loss=loss, optimum=0.0, noise=0.05)


def options(rng: np.random.Generator) -> Problem:
    """Seven choices of four options, with a loss for each pair of neighbouring choices."""
    worth = rng.random((7, 4, 4))

    def loss(config: Config) -> float:
        c = [config[f"c{i}"] for i in range(7)]
        return float(sum(worth[i, c[i], c[(i + 1) % 7]] for i in range(7)) / 7)

    every = itertools.product(range(4), repeat=7)
    optimum = min(loss({f"c{i}": c for i, c in enumerate(point)}) for point in every)
    return Problem(
        name="options",
        space=lambda hp: {f"c{i}": hp.choice(f"c{i}", list(range(4))) for i in range(7)},
        loss=loss,
        optimum=optimum,
    )


def steps(rng: np.random.Generator) -> Problem:
    """Integers and rounded numbers, one of them logarithmic, and a continuous number."""
    a, b, c, d = rng.integers(10, 91), rng.integers(1, 20) / 20, rng.uniform(1, 5), rng.uniform(0.2, 0.8)

    def space(hp: Any) -> Any:
        return {
            "a": hp.uniformint("a", 0, 100),
            "b": hp.quniform("b", 0, 1, 0.05),
            "c": hp.qloguniform("c", 0, math.log(500), 1),
            "d": hp.uniform("d", 0, 1),
        }

    def distance(config: Config) -> float:
        off_c = math.log(max(config["c"], 0.5)) - math.log(round(math.exp(c)))
        return float(
            abs(config["a"] - a) / 100 + 2 * (config["b"] - b) ** 2 + 0.2 * off_c**2 + (config["d"] - d) ** 2
        )

    return Problem(name="steps", space=space, loss=distance, optimum=0.0)


def tails(rng: np.random.Generator) -> Problem:
    """Normal and lognormal priors around guesses that are one or two deviations off."""
    off = rng.uniform(0.5, 2.0, 4) * rng.choice([-1, 1], 4)

    def space(hp: Any) -> Any:
        return {
            "a": hp.normal("a", 0, 1),
            "b": hp.normal("b", 10, 3),
            "c": hp.lognormal("c", -5, 1.5),
            "d": hp.qnormal("d", 0, 10, 2),
        }

    def loss(config: Config) -> float:
        z = [config["a"], (config["b"] - 10) / 3, (math.log(config["c"]) + 5) / 1.5, config["d"] / 10]
        target = [*off[:3], round(off[3] * 5) / 5]
        return float(sum((x - t) ** 2 for x, t in zip(z, target, strict=True)))

    return Problem(name="tails", space=space, loss=loss, optimum=0.0)


def training(rng: np.random.Generator) -> Problem:
    """Three optimizers, each with its learning rate and other parameters; too high a rate diverges."""
    rates = rng.uniform([-3, -5, -6], [-1, -3, -4])
    floors = rng.permutation([0.2, 0.25, 0.3])
    momentum, dropout, width = rng.uniform(0.6, 0.95), rng.uniform(0.1, 0.5), rng.uniform(4, 8)

    def space(hp: Any) -> Any:
        kinds = [{"kind": 0, "momentum": hp.uniform("momentum", 0, 1)}, {"kind": 1}, {"kind": 2}]
        return {
            "optimizer": hp.choice("optimizer", kinds),
            "lr": hp.loguniform("lr", math.log(1e-8), math.log(10)),
            "dropout": hp.uniform("dropout", 0, 0.8),
            "width": hp.qloguniform("width", math.log(8), math.log(1024), 8),
        }

    def loss(config: Config) -> float | None:
        kind = config["optimizer"]["kind"]
        off = math.log10(config["lr"]) - rates[kind]
        if off > 2:
            return None
        reached = math.exp(-((off / (0.7 if off > 0 else 1.5)) ** 2))
        worse = (config["dropout"] - dropout) ** 2 + 0.02 * (math.log(config["width"]) - width) ** 2
        worse += (config["optimizer"].get("momentum", momentum) - momentum) ** 2
        return float(1 - reached * (1 - min(floors[kind] + worse, 1)))

    grid = np.log(np.arange(1, 129) * 8)
    least = 0.02 * ((grid - width) ** 2).min()
    return Problem(name="training", space=space, loss=loss, optimum=float(floors.min() + least))


def memory(rng: np.random.Generator) -> Problem:
    """Larger models are better until they no longer fit in memory and the trial fails."""
    limit, rate = rng.uniform(5, 8), rng.uniform(0.2, 0.8)
    worth = rng.permutation([0.0, 0.1, 0.2])

    def space(hp: Any) -> Any:
        return {
            "depth": hp.uniformint("depth", 1, 12),
            "width": hp.uniform("width", 0, 6),
            "rate": hp.uniform("rate", 0, 1),
            "kind": hp.choice("kind", [0, 1, 2]),
        }

    def size_loss(depth: float, width: float) -> float | None:
        if math.log(depth) + width > limit - 1:
            return None
        return 1 / math.sqrt(depth) + 2 * math.exp(-0.5 * width)

    def loss(config: Config) -> float | None:
        size = size_loss(config["depth"], config["width"])
        return None if size is None else size + (config["rate"] - rate) ** 2 + worth[config["kind"]]

    # For each depth the largest width that fits is the best.
    edges = ((depth, min(6.0, limit - 1 - math.log(depth))) for depth in range(1, 13))
    optimum = min(1 / math.sqrt(depth) + 2 * math.exp(-0.5 * width) for depth, width in edges if width >= 0)
    return Problem(name="memory", space=space, loss=loss, optimum=optimum)


def pipeline(rng: np.random.Generator) -> Problem:
    """Nested choices: six leaves, each with its parameters and an offset."""
    offsets, centres = rng.permutation(np.linspace(0, 0.5, 6)), rng.uniform(0.2, 0.8, (6, 2))
    scale = rng.uniform(0.2, 0.8)

    def leaf(hp: Any, i: int) -> Any:
        return {"leaf": i, "p": hp.uniform(f"p{i}", 0, 1), "q": hp.loguniform(f"q{i}", math.log(1e-4), 0)}

    def space(hp: Any) -> Any:
        groups = [hp.choice(f"model{g}", [leaf(hp, i) for i in range(2 * g, 2 * g + 2)]) for g in range(3)]
        return {"scale": hp.uniform("scale", 0, 1), "model": hp.choice("model", groups)}

    def loss(config: Config) -> float:
        i, p, q = (config["model"][name] for name in ("leaf", "p", "q"))
        off = (p - centres[i, 0]) ** 2 + (1 + math.log10(q) / 4 - centres[i, 1]) ** 2
        return float(offsets[i] + off + 0.5 * (config["scale"] - scale) ** 2)

    return Problem(name="pipeline", space=space, loss=loss, optimum=0.0)


FAMILIES: tuple[Callable[[np.random.Generator], Problem], ...] = (
    *(valley, ripples, bowl, sparse, noisy),
    *(options, steps, tails, training, memory, pipeline),
)


def problems(n_instances: int) -> list[Problem]:
    """Return some instances of each family, the same in every process."""
    return [
        family(np.random.default_rng([number, instance]))
        for number, family in enumerate(FAMILIES)
        for instance in range(n_instances)
    ]
