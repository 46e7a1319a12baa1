"""Small problems with exact optima that cost microseconds: one family for each difficulty of searches.

An instance draws the place of the optimum, the relevant parameters, or the region that fails.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from problems.problem import Problem
from problems.space import Choice, Config, Float, Int, Normal, Space


def valley(instance: int) -> Problem:
    """Return a long bent valley (Rosenbrock) in five numbers."""
    shift = _rng(0, instance).uniform(-0.5, 0.5, 5)

    def loss(config: Config) -> float:
        x = 4 * _vector(config) - 2 + shift
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    return Problem(space=_numbers(5), loss=loss, optimum=0.0)


def ripples(instance: int) -> Problem:
    """Return a bowl with ripples in six numbers: hundreds of local optima."""
    centre = _rng(1, instance).uniform(0.2, 0.8, 6)

    def loss(config: Config) -> float:
        x = _vector(config) - centre
        return float((5 * x * x + 0.3 * (1 - np.cos(6 * math.pi * x))).sum())

    return Problem(space=_numbers(6), loss=loss, optimum=0.0)


def bowl(instance: int) -> Problem:
    """Return a rotated ellipsoid in ten numbers, a hundred times as steep in some directions as in others."""
    rng = _rng(2, instance)
    centre = rng.uniform(0.2, 0.8, 10)
    rotation = np.linalg.qr(rng.standard_normal((10, 10)))[0]
    weights = np.logspace(0, 2, 10)

    def loss(config: Config) -> float:
        return float(weights @ (rotation @ (_vector(config) - centre)) ** 2)

    return Problem(space=_numbers(10), loss=loss, optimum=0.0)


def few(instance: int) -> Problem:
    """Return twenty numbers, of which three matter."""
    rng = _rng(3, instance)
    which, centre = rng.permutation(20)[:3], rng.uniform(0.2, 0.8, 3)

    def loss(config: Config) -> float:
        x = _vector(config)[which] - centre
        return float(1 - np.exp(-8 * (x * x).sum()) + 0.1 * abs(x[0] * x[1]))

    return Problem(space=_numbers(20), loss=loss, optimum=0.0)


def noisy_bowl(instance: int) -> Problem:
    """Return a bowl in four numbers under noise as large as a tenth of it."""
    centre = _rng(4, instance).uniform(0.2, 0.8, 4)

    def loss(config: Config) -> float:
        return float(((_vector(config) - centre) ** 2).sum())

    return Problem(
        space=_numbers(4),
        loss=loss,
        optimum=0.0,
        noise=lambda true, rng: float(true + 0.05 * rng.standard_normal()),
    )


def options(instance: int) -> Problem:
    """Return seven choices of four options, with a loss for each pair of neighbouring choices."""
    worth = _rng(5, instance).random((7, 4, 4))

    def loss_at(c: tuple[int, ...]) -> float:
        return float(sum(worth[i, c[i], c[(i + 1) % 7]] for i in range(7)) / 7)

    return Problem(
        space={f"c{i}": Choice.of(range(4)) for i in range(7)},
        loss=lambda config: loss_at(tuple(config[f"c{i}"] for i in range(7))),
        optimum=min(map(loss_at, itertools.product(range(4), repeat=7))),
    )


def rounded(instance: int) -> Problem:
    """Return integers and rounded numbers, one of them logarithmic, and a continuous number."""
    rng = _rng(6, instance)
    a, b, c, d = rng.integers(10, 91), rng.integers(1, 20) / 20, rng.uniform(1, 5), rng.uniform(0.2, 0.8)
    space: Space = {
        "a": Int(0, 100),
        "b": Float(0, 1, q=0.05),
        "c": Int(1, 500, is_log=True),
        "d": Float(0, 1),
    }

    def loss(config: Config) -> float:
        off_c = math.log(config["c"]) - math.log(round(math.exp(c)))
        off = abs(config["a"] - a) / 100 + 2 * (config["b"] - b) ** 2
        return float(off + 0.2 * off_c**2 + (config["d"] - d) ** 2)

    return Problem(space=space, loss=loss, optimum=0.0)


def tails(instance: int) -> Problem:
    """Return normal and lognormal priors around guesses that are one or two deviations off."""
    rng = _rng(7, instance)
    off = rng.uniform(0.5, 2.0, 4) * rng.choice([-1, 1], 4)
    space = {
        "a": Normal(0, 1),
        "b": Normal(10, 3),
        "c": Normal(-5, 1.5, is_log=True),
        "d": Normal(0, 10, q=2),
    }
    targets = [*off[:3], round(off[3] * 5) / 5]

    def loss(config: Config) -> float:
        z = [config["a"], (config["b"] - 10) / 3, (math.log(config["c"]) + 5) / 1.5, config["d"] / 10]
        return float(sum((x - target) ** 2 for x, target in zip(z, targets, strict=True)))

    return Problem(space=space, loss=loss, optimum=0.0)


def training(instance: int) -> Problem:
    """Return three optimizers, each with its learning rate and other parameters; too high a rate diverges."""
    rng = _rng(8, instance)
    rates = dict(enumerate(rng.uniform([-3, -5, -6], [-1, -3, -4])))
    floors = rng.permutation([0.2, 0.25, 0.3])
    momentum, dropout, width = rng.uniform(0.6, 0.95), rng.uniform(0.1, 0.5), rng.uniform(4, 8)
    space: Space = {
        "optimizer": Choice.nested({0: {"momentum": Float(0, 1)}, 1: {}, 2: {}}),
        "lr": Float(1e-8, 10, is_log=True),
        "dropout": Float(0, 0.8),
        "width": Float(8, 1024, is_log=True, q=8),
    }

    def loss(config: Config) -> float | None:
        kind = config["optimizer"]
        off = math.log10(config["lr"]) - rates[kind]
        if off > 2:
            return None
        reached = math.exp(-((off / (0.7 if off > 0 else 1.5)) ** 2))
        worse = (config["dropout"] - dropout) ** 2 + 0.02 * (math.log(config["width"]) - width) ** 2
        worse += (config.get("momentum", momentum) - momentum) ** 2
        return float(1 - reached * (1 - min(floors[kind] + worse, 1)))

    grid = np.log(np.arange(1, 129) * 8)
    least = 0.02 * ((grid - width) ** 2).min()
    return Problem(space=space, loss=loss, optimum=float(floors.min() + least))


def memory(instance: int) -> Problem:
    """Return models that improve with their size until they no longer fit in memory and the trial fails."""
    rng = _rng(9, instance)
    limit, rate = rng.uniform(5, 8), rng.uniform(0.2, 0.8)
    worth = rng.permutation([0.0, 0.1, 0.2])
    space: Space = {
        "depth": Int(1, 12),
        "width": Float(0, 6),
        "rate": Float(0, 1),
        "kind": Choice.of(range(3)),
    }

    def size_loss(depth: float, width: float) -> float | None:
        if math.log(depth) + width > limit - 1:
            return None
        return 1 / math.sqrt(depth) + 2 * math.exp(-0.5 * width)

    def loss(config: Config) -> float | None:
        size = size_loss(config["depth"], config["width"])
        return None if size is None else float(size + (config["rate"] - rate) ** 2 + worth[config["kind"]])

    # For each depth the largest width that fits is the best.
    edges = ((depth, min(6.0, limit - 1 - math.log(depth))) for depth in range(1, 13))
    optimum = min(1 / math.sqrt(depth) + 2 * math.exp(-0.5 * width) for depth, width in edges if width >= 0)
    return Problem(space=space, loss=loss, optimum=optimum)


def pipeline(instance: int) -> Problem:
    """Return nested choices: six leaves, each with its parameters and an offset."""
    rng = _rng(10, instance)
    offsets, centres = rng.permutation(np.linspace(0, 0.5, 6)), rng.uniform(0.2, 0.8, (6, 2))
    scale = rng.uniform(0.2, 0.8)

    def leaf(i: int) -> Space:
        return {f"p{i}": Float(0, 1), f"q{i}": Float(1e-4, 1, is_log=True)}

    groups: dict[int, Space] = {
        group: {f"model{group}": Choice.nested({i: leaf(i) for i in (2 * group, 2 * group + 1)})}
        for group in range(3)
    }
    space: Space = {"scale": Float(0, 1), "model": Choice.nested(groups)}

    def loss(config: Config) -> float:
        i = config[f"model{config['model']}"]
        off = (config[f"p{i}"] - centres[i, 0]) ** 2
        off += (1 + math.log10(config[f"q{i}"]) / 4 - centres[i, 1]) ** 2
        return float(offsets[i] + off + 0.5 * (config["scale"] - scale) ** 2)

    return Problem(space=space, loss=loss, optimum=0.0)


def _rng(family: int, instance: int) -> np.random.Generator:
    return np.random.default_rng([family, instance])


def _numbers(n: int) -> Space:
    """Return a space of ``n`` numbers from 0 to 1."""
    return {f"x{i}": Float(0, 1) for i in range(n)}


def _vector(config: Config) -> np.ndarray:
    return np.array([config[f"x{i}"] for i in range(len(config))])
