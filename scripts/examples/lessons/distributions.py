"""Lesson 1: what each ``hp.*`` draws.

The picture of 5,000 samples of each is one command::

    hpsearch space plot scripts/examples/lessons/distributions.py --output distributions.png

The script itself prints the type that an objective receives, and the quartiles of the samples, or the
frequency of each option. What to look for in both:

- The bounds of ``loguniform`` are logarithms. It spreads its samples evenly over the orders of
  magnitude: half of them are below 0.1 here, though the range ends at 10. By value, its density
  falls as 1/x.
- ``q...`` rounds to multiples of ``q``, and the value is still a float. The two ends of ``quniform``
  and ``uniformint`` get half the share of the others, as only half as much is rounded to them;
  ``randint`` gives all values alike, and never its upper bound.
- ``normal`` and its relatives have no bounds. ``qlognormal`` can be 0.
- ``choice`` gives one of its options with equal probabilities; ``pchoice`` has others.
"""

import math
from collections import Counter
from typing import Any

import numpy as np

from hpsearch import Space, hp

N_SAMPLES = 5000

space = [
    hp.uniform("uniform", -5, 5),
    hp.quniform("quniform", 0, 1, 0.1),
    hp.randint("randint", 10),
    hp.uniformint("uniformint", 0, 10),
    hp.loguniform("loguniform", math.log(0.001), math.log(10)),
    hp.qloguniform("qloguniform", math.log(1), math.log(32), 1),
    hp.normal("normal", 0, 1),
    hp.qnormal("qnormal", 0, 10, 5),
    hp.lognormal("lognormal", 0, 1),
    hp.qlognormal("qlognormal", 2, 0.5, 1),
    hp.choice("choice", ["linear", "forest", "network"]),
    hp.pchoice("pchoice", [(0.6, "adam"), (0.3, "sgd"), (0.1, "lbfgs")]),
]


def main() -> None:
    tree, rng = Space(space), np.random.default_rng(0)
    configs = [tree.config(tree.sample(rng)) for _ in range(N_SAMPLES)]
    print(f"{'hp.':<12} {'type':<6} {'25 %':>8} {'50 %':>8} {'75 %':>8}")
    for parameter, values in zip(tree.parameters, zip(*configs, strict=True), strict=True):
        kind = type(values[0]).__name__
        print(f"{parameter.label:<12} {kind:<6} {options(values) if kind == 'str' else quartiles(values)}")


def quartiles(values: tuple[float, ...]) -> str:
    return " ".join(f"{quartile:8.3g}" for quartile in np.quantile(values, (0.25, 0.5, 0.75)))


def options(values: tuple[Any, ...]) -> str:
    return ", ".join(f"{option} {n / len(values):.0%}" for option, n in Counter(values).most_common())


if __name__ == "__main__":
    main()
