"""What it costs to decide whether a trial goes on, and to learn that.

``python scripts/bench/stopping_cost.py`` makes 1,600 learning curves, of which 7 in 10 were stopped. It
prints the least and the median CPU time of a decision, of a policy that is learned from all of them, and of
the predicted losses of the stopped ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import count, cycle

import numpy as np

from hpsearch.core.stopping.curve import Curve
from hpsearch.core.stopping.decision import decide
from hpsearch.core.trial import State
from hpsearch.suggest.stopping.learner import Learner
from hpsearch.suggest.stopping.rules import make_rule

#: Steps of a full trial, and those at which trials were stopped.
N_STEPS, STOPS = 81, (5, 9, 16, 27, 47)


def main() -> None:
    """Print a line for each of the three."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=1600, help="Default: %(default)s.")
    parser.add_argument("--repeats", type=int, default=120, help="Default: %(default)s.")
    options = parser.parse_args()
    learner, versions = Learner(make_rule("auto", {})), count(1)
    rng, n_values = np.random.default_rng(0), 0
    curves = [_curve(rng, is_full=i == options.trials - 1) for i in range(options.trials)]
    for tid, curve in enumerate(curves):
        _add(learner, tid, curve)
        n_values += len(curve.rungs)
    policy = learner.policy(next(versions))
    last = curves[-1]

    is_known = cycle([False, True])

    def learn() -> None:
        # A policy is due once the number of done trials has changed.
        if next(is_known):
            _add(learner, options.trials - 1, last)
        else:
            learner.discard(options.trials - 1)
        learner.policy(next(versions))

    print(f"{n_values} values of {options.trials} trials")
    for what, work in (
        ("decision", lambda: decide(policy, curves[0], 0)),
        ("policy", learn),
        ("predictions", learner.forecasts),
    ):
        least, median = _times(work, options.repeats)
        print(f"{what}: {least:.3f} ms, median {median:.3f} ms")


def _curve(rng: np.random.Generator, *, is_full: bool) -> Curve:
    end = rng.uniform(0.02, 0.5)
    n_steps = N_STEPS if is_full or rng.random() >= 0.7 else int(rng.choice(STOPS))
    curve = Curve()
    for step in range(1, n_steps + 1):
        curve.add(step, end + (1 - end) * np.exp(-step / 8) + rng.normal(0, 0.01))
    return curve


def _add(learner: Learner, tid: int, curve: Curve) -> None:
    step, value = curve.last_step, curve.last_value
    assert step is not None
    assert value is not None
    is_done = step == N_STEPS
    state = State.DONE if is_done else State.PRUNED
    learner.set(tid, curve.rungs, value if is_done else None, state, (step, value))


def _times(work: Callable[[], object], n: int) -> tuple[float, float]:
    """Return the least and the median CPU time of a call in milliseconds."""
    times = []
    for _ in range(n):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began))
    return min(times), float(np.median(times))


if __name__ == "__main__":
    main()
