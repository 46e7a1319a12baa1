"""Networks fitted to large collections of real training runs: YAHPO Gym's surrogates, at full fidelity.

F. Pfisterer et al., "YAHPO Gym: an efficient multi-objective multi-fidelity benchmark for hyperparameter
optimization", AutoML 2022. A surrogate extrapolates where there were few runs, so the least loss is only the
best known one.

The files of ``data/`` hold what is needed of each network: for an instance (a data set), inputs are the
free hyperparameters; the fidelity and the instance's embedding are part of the bias ``instance/ID``. A
network has a linear layer, residual blocks with a gated layer each, and a sigmoid per metric:

    h = first u + instance + offsets of the options         u: transformed numbers
    h = h + V (a * relu(b)) + c,   (a, b) = U h + d         for each block
    y = inverse(scale * sigmoid(head relu(s * h + t) + e) + shift)

Weights of the blocks are 12-bit integers times a step per row, as high and low bytes, which compress well;
good losses differ from the original's by at most 0.5 % of the distance between the best and the median loss.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from problems.data_files import arrays
from problems.problem import Problem
from problems.space import Choice, Config, Float, Int, Space

#: What the logarithms of the original networks add to their arguments.
_TINY = 1e-12

_E2, _E5, _E7 = math.exp(2), math.exp(5), math.exp(7)
_IMPUTE = Choice.of(["impute.mean", "impute.median", "impute.hist"])


def _booster(name: str) -> dict[str, Float | Int]:
    """Return the parameters of a booster of trees; labels begin with its name."""
    return {
        f"{name}.eta": Float(1 / _E7, 1, is_log=True),
        f"{name}.gamma": Float(math.exp(-10), _E2, is_log=True),
        f"{name}.max_depth": Int(1, 15),
        f"{name}.min_child_weight": Float(math.e, _E5, is_log=True),
        f"{name}.colsample_bytree": Float(0.01, 1),
        f"{name}.colsample_bylevel": Float(0.01, 1),
    }


_DART = _booster("dart") | {"dart.rate_drop": Float(0, 1), "dart.skip_drop": Float(0, 1)}

SPACES: Mapping[str, Space] = {
    "lcbench": {
        "batch_size": Int(16, 512, is_log=True),
        "learning_rate": Float(1e-4, 0.1, is_log=True),
        "momentum": Float(0.1, 0.99),
        "weight_decay": Float(1e-5, 0.1),
        "num_layers": Int(1, 5),
        "max_units": Int(64, 1024, is_log=True),
        "max_dropout": Float(0, 1),
    },
    "rbv2_xgboost": {
        "booster": Choice.nested({"gblinear": {}, "gbtree": _booster("gbtree"), "dart": _DART}),
        "nrounds": Int(7, 2981, is_log=True),
        "lambda": Float(1 / _E7, _E7, is_log=True),
        "alpha": Float(1 / _E7, _E7, is_log=True),
        "subsample": Float(0.1, 1),
        "num.impute.selected.cpo": _IMPUTE,
    },
    "rbv2_rpart": {
        "cp": Float(1 / _E7, 1, is_log=True),
        "maxdepth": Int(1, 30),
        "minbucket": Int(1, 100),
        "minsplit": Int(1, 100),
        "num.impute.selected.cpo": _IMPUTE,
    },
}


def yahpo(scenario: str, instance: int, metric: str) -> Problem:
    """Return a surrogate's metric on a data set; accuracies and areas become one minus the value."""
    network, number = load_network(scenario), metric_number(scenario, metric)
    if f"instance/{instance}" not in network:
        raise ValueError(f"{scenario} has no instance {instance}.")
    factor = 100.0 if metric.endswith("accuracy") else 1.0
    is_gain = factor == 100.0 or metric in ("acc", "auc", "bac", "f1")

    def loss(config: Config) -> float:
        # A booster's parameters are inputs without its name.
        inputs = {n.removeprefix("gbtree.").removeprefix("dart."): value for n, value in config.items()}
        value = output(network, inputs, f"instance/{instance}", number)
        return 1 - value / factor if is_gain else value

    return Problem(space=SPACES[scenario], loss=loss)


def metric_number(scenario: str, metric: str) -> int:
    """Return the place of a metric among the network's outputs."""
    metrics: list[str] = load_network(scenario)["metrics"].tolist()
    return metrics.index(metric)


def output(network: Mapping[str, Any], inputs: Mapping[str, Any], instance: str, number: int) -> float:
    """Return one output of a network.

    Parameters
    ----------
    network : mapping
        Arrays by name.
    inputs : mapping
        Values by label; a number that is not active counts as 0.
    instance : str
        Name of the bias.
    number : int
        Of the output.
    """
    h = network["first"] @ _transformed(network, inputs) + network[instance]
    for label, value in inputs.items():
        if f"offsets/{label}" in network:
            h = h + network[f"offsets/{label}"][network[f"options/{label}"].tolist().index(value)]
    for inward, inward_bias, outward, outward_bias in network["blocks"]:
        a, b = np.split(inward @ h + inward_bias, 2)
        h = h + (a * np.maximum(b, 0)) @ outward + outward_bias
    last = np.maximum(network["last/scale"] * h + network["last/shift"], 0)
    y = expit(network["head"][number] @ last + network["head/bias"][number])
    y = network["output/scale"][number] * y + network["output/shift"][number]
    match network["output/transforms"][number]:
        case "log":
            return float(np.exp(y) - _TINY)
        case "exp":
            return float(-np.log(y + _TINY) * network["output/factors"][number])
        case _:
            return float(y)


def _transformed(network: Mapping[str, Any], inputs: Mapping[str, Any]) -> np.ndarray:
    """Return the numbers as the network wants them: as they are, as logarithms, or as exponentials."""
    x = np.array([inputs.get(label, 0.0) for label in network["numbers"]])
    kinds = network["transforms"]
    return np.where(
        kinds == "log",
        np.log(np.where(kinds == "log", x, 0) + _TINY),
        np.where(kinds == "exp", np.exp(-x / network["divisors"]) - _TINY, x),
    )


@functools.cache
def load_network(scenario: str) -> Mapping[str, Any]:
    """Return a network as arrays by name, with its blocks as matrices."""
    network = arrays(f"yahpo_{scenario}")
    n_blocks = sum(name.endswith("/in/high") for name in network)
    blocks = [
        (
            _weights(network, f"block{k}/in"),
            network[f"block{k}/in/bias"],
            _weights(network, f"block{k}/out"),
            network[f"block{k}/out/bias"],
        )
        for k in range(n_blocks)
    ]
    return {**network, "blocks": blocks}


def _weights(network: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return a matrix from its bytes."""
    integers = 256.0 * network[f"{name}/high"] + network[f"{name}/low"]
    weights: np.ndarray = integers * network[f"{name}/steps"][:, None].astype(np.float64)
    return weights
