"""Lesson 4: a nested space, with optional steps.

The objective cleans a noisy signal with a few outliers. Outliers may be cut off before smoothing, or not; the
smoothing may be a moving average, or exponential, or none: ``hp.choice`` between None and a sub-space. The
parameters below an option are drawn, learned from and reported only in trials with that option.

``fmin`` returns, as Hyperopt does, the index of each option, without the labels that are not active.
``trials.best_params`` shows the options in words; ``trials.best_config`` is what the objective received, with
None for each omitted step.

Run it with::

    python scripts/examples/lessons/nested_space.py
"""

from collections import Counter
from typing import Any

import numpy as np

from hpsearch import Trials, fmin, hp, tpe

space = {
    "cut": hp.choice("cut", [None, {"at": hp.uniform("cut_at", 0.5, 10)}]),
    "smoothing": hp.choice(
        "smoothing",
        [
            None,
            {"kind": "average", "reach": hp.randint("reach", 1, 20)},
            {"kind": "exponential", "rate": hp.uniform("rate", 0.01, 1)},
        ],
    ),
}

rng = np.random.default_rng(0)
truth = np.sin(np.linspace(0, 12, 400))
signal = truth + rng.normal(0, 0.3, 400) + np.where(rng.random(400) < 0.02, 8, 0)


def objective(config: dict[str, Any]) -> float:
    cleaned = signal
    if config["cut"] is not None:
        cleaned = np.clip(cleaned, -config["cut"]["at"], config["cut"]["at"])
    match config["smoothing"]:
        case {"kind": "average", "reach": reach}:
            width = 2 * reach + 1
            cleaned = np.convolve(np.pad(cleaned, reach, mode="edge"), np.ones(width) / width, "valid")
        case {"kind": "exponential", "rate": rate}:
            cleaned = exponential(cleaned, rate)
    return float(np.mean((cleaned - truth) ** 2))


def exponential(values: np.ndarray, rate: float) -> np.ndarray:
    smoothed, level = np.empty_like(values), values[0]
    for i, value in enumerate(values):
        level += rate * (value - level)
        smoothed[i] = level
    return smoothed


def main() -> None:
    trials = Trials()
    best = fmin(objective, space, tpe.suggest, max_evals=120, trials=trials, rstate=0)
    print(f"untouched:           {objective({'cut': None, 'smoothing': None}):.4f}")
    print(f"cleaned:             {trials.best_trial['result']['loss']:.4f}")
    print(f"fmin's answer:       {best}")
    print(f"trials.best_params:  {trials.best_params}")
    print(f"trials.best_config:  {trials.best_config}")
    names = ("nothing", "average", "exponential")
    tried = Counter(names[index] for index in trials.vals["smoothing"])
    print("smoothing tried:     " + ", ".join(f"{name} {n} times" for name, n in tried.most_common()))


if __name__ == "__main__":
    main()
