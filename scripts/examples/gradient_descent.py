"""Find the best step size, and range of starting points, for ten steps of gradient descent on x^2.

Each step is reported, so that ``hpsearch show EXPERIMENT NUMBER`` shows how a trial reached its loss. The
best learning rate is 0.5, which leads to the minimum in a single step; above 1 the descent diverges. Run it
with::

    hpsearch run scripts/examples/gradient_descent.py --max-evals 50
"""

import math
from typing import Any

import hpsearch
from hpsearch import hp

N_STEPS = 10

space = {
    "learning_rate": hp.loguniform("learning_rate", math.log(0.001), math.log(2)),
    "start": {
        "low": hp.uniform("start_low", -10, 0),
        "width": hp.uniform("start_width", 1, 10),
    },
}


def objective(config: dict[str, Any]) -> float:
    """Return the mean of x^2 after the last step, over starting points spread across the range."""
    low, width = config["start"]["low"], config["start"]["width"]
    points = [low + width * part / 4 for part in range(5)]
    for step in range(1, N_STEPS + 1):
        points = [x - config["learning_rate"] * 2 * x for x in points]  # the gradient of x^2 is 2x
        loss: float = sum(x * x for x in points) / len(points)
        hpsearch.current_trial().report(step, loss)
    return loss
