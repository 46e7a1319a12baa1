"""Lesson 5: the history of all trials, some of which fail.

The objective has a value only where x >= 0; elsewhere it returns the status "fail", with a reason. It also
fails where x > 4, but reports a loss there that is lower than any valid one.

``trials`` holds a document for each trial: its number ``tid``, its parameters in ``misc.vals`` (a list
for each label, empty where the label is not active), and ``result``, which the objective returned.
``best_trial`` has the lowest loss among those with the status "ok": the loss of a failed trial never counts,
neither here nor for suggestions. A search in which all trials fail has no best trial, and raises
``AllTrialsFailed``.

Run it with::

    python scripts/examples/lessons/history.py
"""

import math
from typing import Any

from hpsearch import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, tpe


def objective(x: float) -> dict[str, Any]:
    if x < 0:
        return {"status": STATUS_FAIL, "reason": "a negative number has no square root"}
    if x > 4:
        return {"status": STATUS_FAIL, "reason": "out of range", "loss": -100.0}
    return {"status": STATUS_OK, "loss": (math.sqrt(x) - 1) ** 2}


def main() -> None:
    trials = Trials()
    fmin(objective, hp.uniform("x", -10, 10), tpe.suggest, max_evals=30, trials=trials, rstate=0)
    print("tid  params    loss      status  reason")
    for doc in trials.trials:
        print(row(doc))
    print()
    statuses, best = trials.statuses(), trials.best_trial
    for name, part in (("first", statuses[:15]), ("last", statuses[15:])):
        print(f"{part.count(STATUS_FAIL)} of the {name} 15 trials failed.")
    print(
        f"best_trial is number {best['tid']}: x={trials.argmin['x']:.3f}, loss {best['result']['loss']:.6f}."
    )


def row(doc: dict[str, Any]) -> str:
    """Return a trial as a line of the table."""
    result, vals = doc["result"], doc["misc"]["vals"]
    params = " ".join(f"{label}={values[0]:.3f}" for label, values in vals.items() if values)
    loss = f"{result['loss']:.4f}" if "loss" in result else "-"
    line = f"{doc['tid']:>3}  {params:<8}  {loss:<8}  {result['status']:<6}  {result.get('reason', '')}"
    return line.rstrip()


if __name__ == "__main__":
    main()
