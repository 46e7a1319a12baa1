"""Lesson 6: continue a search that was saved as a file.

``Trials`` can be pickled. When you load them and pass them to ``fmin``, they count: ``max_evals`` is the
total number of trials, so a search of 20 continues to 40 with 20 more evaluations, and learns from the first
20. With the same seed it gives the same trials as 40 at once.

``fmin(..., trials_save_file="trials.pkl")`` is shorter and survives a crash: it saves atomically after every
trial, and continues from the file if it exists. Load pickles only from people you trust, since loading them
runs code. For a search on several machines see lesson 7.

Run it with::

    python scripts/examples/lessons/resume_by_pickle.py
"""

import pickle
import tempfile
from pathlib import Path

from hpsearch import Trials, fmin, hp, tpe

space = {"x": hp.uniform("x", -5, 5), "y": hp.normal("y", 0, 3)}


def objective(config: dict[str, float]) -> float:
    return (config["x"] - 1) ** 2 + (config["y"] + 2) ** 2


def search(trials: Trials, max_evals: int) -> Trials:
    fmin(objective, space, tpe.suggest, max_evals=max_evals, trials=trials, rstate=0)
    return trials


def show(what: str, trials: Trials) -> None:
    print(f"{what:<10} {len(trials)} trials, best loss {trials.best_trial['result']['loss']:.4f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.pkl"
        first = search(Trials(), 20)
        path.write_bytes(pickle.dumps(first))
        show("saved:", first)
        loaded = pickle.loads(path.read_bytes())
    show("loaded:", loaded)
    resumed = search(loaded, 40)
    show("resumed:", resumed)
    at_once = search(Trials(), 40)
    show("at once:", at_once)
    print(f"the same trials in the same order: {resumed.vals == at_once.vals}")


if __name__ == "__main__":
    main()
