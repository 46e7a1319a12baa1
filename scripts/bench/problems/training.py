"""Landscapes like those of training a network: plateaus, divergence, and memory that runs out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from problems.problem import Problem, instance_rng
from problems.space import Choice, Config, Float, Int, Space

#: Loss of a classifier that guesses among ten classes.
_CHANCE = math.log(10)


def lrplateau(instance: int) -> Problem:
    """Return a loss that stays at chance if the learning rate is far too small or too large.

    The good rate depends on the optimizer, its momentum and the batch size; a rate that is more than a
    hundred times too large fails.
    """
    rng = instance_rng("lrplateau", instance)
    floors = {
        "sgd": rng.uniform(0.2, 0.4),
        "adam": rng.uniform(0.2, 0.4),
        "rmsprop": rng.uniform(0.3, 0.5),
    }
    rates = {
        "sgd": 10 ** rng.uniform(-1.5, -0.3),
        "adam": 10 ** rng.uniform(-3.3, -2),
        "rmsprop": 10 ** rng.uniform(-4, -2.5),
    }
    momentum, beta1, rho = rng.uniform(0.7, 0.95), rng.uniform(0.75, 0.95), rng.uniform(0.85, 0.98)
    batch, width, depth = (
        16 * int(rng.integers(2, 24)),
        int(2 ** rng.uniform(5, 8.5)),
        int(rng.integers(2, 7)),
    )
    dropout, decay = rng.uniform(0.1, 0.5), 10 ** rng.uniform(-6, -2)
    optimizers: dict[str, Space] = {
        "sgd": {"momentum": Float(0, 0.99), "nesterov": Choice.of([False, True])},
        "adam": {"beta1": Float(0.5, 0.999)},
        "rmsprop": {"rho": Float(0.8, 0.999)},
    }
    space: Space = {
        "opt": Choice.nested(optimizers),
        "lr": Float(1e-7, 10, is_log=True),
        "wd": Float(1e-8, 1, is_log=True),
        "dropout": Float(0, 0.8),
        "batch": Float(16, 512, q=16),
        "width": Int(8, 1024, is_log=True),
        "depth": Int(1, 8),
    }

    def optimizer_penalty(config: Config) -> float:
        match config["opt"]:
            case "sgd":
                missed = 0.02 * (not config["nesterov"])
                return float(0.5 * (config["momentum"] - momentum) ** 2 + missed)
            case "adam":
                return float(0.6 * (config["beta1"] - beta1) ** 2)
            case _:
                return float(2 * (config["rho"] - rho) ** 2)

    def loss(config: Config) -> float | None:
        optimizer = config["opt"]
        rate = config["lr"] / rates[optimizer] * (batch / config["batch"]) ** 0.5
        if optimizer == "sgd":
            rate *= (1 - momentum) / (1 - config["momentum"])
        off = math.log10(rate)
        if off > 2.2:
            return None
        if off > 1:
            return _CHANCE
        missed = 1 - math.exp(-(abs(off / (0.8 if off > 0 else 1.3)) ** 2.2))
        penalty = optimizer_penalty(config)
        penalty += 0.15 * abs(math.log2(config["width"] / width)) ** 1.5 / 5 + 0.03 * abs(
            config["depth"] - depth
        )
        penalty += 0.8 * (config["dropout"] - dropout) ** 2 + 0.01 * math.log10(config["wd"] / decay) ** 2
        penalty += 0.02 * math.log2(config["batch"] / batch) ** 2
        return float(min(_CHANCE, floors[optimizer] + penalty) * (1 - missed) + _CHANCE * missed)

    return Problem(space=space, loss=loss, optimum=min(floors.values()))


def cliff(instance: int) -> Problem:
    """Return a loss that falls with the size of a model until it no longer fits in memory and trials fail."""
    rng = instance_rng("cliff", instance)
    capacity = 10 ** rng.uniform(5.4, 6.0)
    rate, dropout = 10 ** rng.uniform(-3.5, -1.5), rng.uniform(0.1, 0.4)
    penalties = rng.permutation([0, 0.03, 0.06, 0.1])
    log_batch, width_weight, depth_weight = rng.uniform(5, 7), rng.uniform(0.5, 1), rng.uniform(0.3, 0.7)
    activations = dict(zip(["relu", "tanh", "gelu", "elu"], penalties, strict=True))
    batches = [16, 32, 64, 128, 256]
    space: Space = {
        "width": Int(16, 2048, is_log=True),
        "depth": Int(1, 12),
        "batch": Choice.of(batches),
        "lr": Float(1e-5, 1, is_log=True),
        "dropout": Float(0, 0.7),
        "act": Choice.of(list(activations)),
    }

    def size_loss(width: Any, depth: Any, batch: Any) -> Any:
        """Return the loss of numbers or arrays of sizes, NaN where they do not fit."""
        needed = width * depth * batch * (1 + width / 4096)
        gained = width_weight * (2048 / width) ** 0.25 * 0.4 + depth_weight / depth**0.7
        return np.where(needed > capacity, np.nan, gained + 0.03 * (np.log2(batch) - log_batch) ** 2)

    def loss(config: Config) -> float | None:
        size = float(size_loss(config["width"], config["depth"], config["batch"]))
        if math.isnan(size):
            return None
        penalty = 0.08 * math.log10(config["lr"] / rate) ** 2 + 0.6 * (config["dropout"] - dropout) ** 2
        return float(size + penalty + activations[config["act"]])

    # The rest is separable, with the least value 0.
    sizes = np.meshgrid(np.arange(16, 2049), np.arange(1, 13), batches)
    return Problem(space=space, loss=loss, optimum=float(np.nanmin(size_loss(*sizes))))
