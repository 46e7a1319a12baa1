"""Find where (x - 3)^2 is least: the smallest search.

Run it with::

    hpsearch run scripts/examples/quadratic.py --max-evals 50
"""

from hpsearch import hp

space = hp.uniform("x", -10, 10)


def objective(x: float) -> float:
    """Return the loss, which is 0 at x = 3."""
    return (x - 3) ** 2
