"""What each ``hp.*`` draws: one parameter of every kind.

The picture of all of them, 5,000 samples each, is one command::

    hpsearch space plot scripts/examples/lessons/distributions.py --output distributions.png

Started by itself, the script prints the quartiles of the same samples, and the type that an
objective receives. What to look for in both:

- The bounds of ``loguniform`` are logarithms. It spreads its samples evenly over the orders of
  magnitude: half of them are below 0.1 here, though the range ends at 10. By value, its density
  falls as 1/x.
- ``q...`` rounds to multiples of ``q``: a float, still. The two ends of ``quniform`` and
  ``uniformint`` get half the share of the others, as only half as much is rounded to them;
  ``randint`` gives all values alike, and never its upper bound.
- ``normal`` and its relatives have no bounds. ``qlognormal`` can be 0.
- A choice is one of its options, ``pchoice`` with probabilities; an option may hold parameters
  of its own.
"""

import math

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
    """Print the quartiles of each distribution."""
    tree = Space(space)
    rng = np.random.default_rng(0)
    samples = [tree.sample(rng) for _ in range(N_SAMPLES)]
    received = tree.config(samples[0])
    print(f"{'hp.':<12} {'type':<6} {'25 %':>9} {'50 %':>9} {'75 %':>9}")
    for parameter, value in zip(tree.parameters, received, strict=True):
        label = parameter.label
        values = [sample[label] for sample in samples]
        quartiles = " ".join(f"{quartile:9.4g}" for quartile in np.quantile(values, (0.25, 0.5, 0.75)))
        print(f"{label:<12} {type(value).__name__:<6} {quartiles}")


if __name__ == "__main__":
    main()
