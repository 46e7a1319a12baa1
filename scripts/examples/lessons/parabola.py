"""Lesson 2: the least value of x^2 - x + 1.

``fmin`` needs an objective, a space, an algorithm and a number of trials; it returns the best parameters by
label. The derivative 2x - 1 is 0 at x = 1/2, where the value is 3/4, so you can see how close the search
comes after how many trials. ``trials`` keeps every trial.

Run it with::

    python scripts/examples/lessons/parabola.py
"""

from hpsearch import Trials, fmin, hp, tpe


def objective(x: float) -> float:
    return x**2 - x + 1


def main() -> None:
    trials = Trials()
    best = fmin(objective, hp.uniform("x", -5, 5), tpe.suggest, max_evals=100, trials=trials, rstate=0)
    losses = trials.losses()
    for n_trials in (1, 3, 10, 30, 100):
        print(f"best of {n_trials:>3} trials: {min(losses[:n_trials]):.6f}")
    print(f"found  x = {best['x']:.4f} with the value {objective(best['x']):.6f}")
    print("exact  x = 0.5000 with the value 0.750000")


if __name__ == "__main__":
    main()
