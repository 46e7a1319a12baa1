"""How many epochs a search of the convolutional network needs with a pruner, and without one.

    python scripts/bench/convnet_pruning.py --seeds 5

For each seed, one search trains every network to its end. The other, with ``--pruner auto``, gets as many
epochs in all. The line says after how many of them it had reached the best accuracy of the first. Both begin
with the same points. It needs PyTorch and scikit-learn, whose digits are the images.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch import HpsearchError, Trials, auto, current_trial, fmin, tpe
from hpsearch.errors import HpsearchWarning

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "convnet"))

from convnet.settings import Settings
from convnet.space import space
from convnet.trial import prepare, run_trial

ALGORITHMS = {"tpe": tpe.suggest, "auto": auto.suggest}


def main() -> None:
    """Print a line for each seed, and their mean."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="Searches of each kind. Default: %(default)s.")
    parser.add_argument("--first-seed", type=int, default=0, help="The first seed. Default: %(default)s.")
    parser.add_argument("--trials", type=int, default=36, help="Full trainings. Default: %(default)s.")
    parser.add_argument("--epochs", type=int, default=10, help="Epochs of one. Default: %(default)s.")
    parser.add_argument("--algo", choices=ALGORITHMS, default="tpe", help="Default: %(default)s.")
    options = parser.parse_args()
    settings = Settings(data=None, results=Path("unused"), n_epochs=options.epochs, n_threads=1, device="cpu")
    prepare(settings)
    shares = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        full = _search(settings, ALGORITHMS[options.algo], seed, options.trials)
        n_epochs, goal = full[-1]
        pruned = _search(settings, ALGORITHMS[options.algo], seed, sys.maxsize, n_epochs, "auto")
        n_full = _epochs_to(full, goal)
        n_pruned = _epochs_to(pruned, goal)
        # A search that does not reach it counts as one that needs all epochs and a tenth more.
        shares.append((1.1 * n_epochs if n_pruned is None else n_pruned) / n_epochs)
        print(
            f"seed {seed}: {goal:.4f} after {n_full} of {n_epochs} epochs without a pruner; "
            f"with it {'not reached' if n_pruned is None else f'after {n_pruned}'}, "
            f"best {pruned[-1][1]:.4f} in {len(pruned)} trials",
            flush=True,
        )
    print(f"share of the epochs: {np.exp(np.mean(np.log(shares))):.2f} (geometric mean)")


def _search(
    settings: Settings, algo: Any, seed: int, n_trials: int, n_epochs: int = sys.maxsize, pruner: Any = None
) -> list[tuple[int, float]]:
    """Search until a number of trials or of epochs; return epochs and best accuracy after each trial."""

    def objective(config: Mapping[str, Any]) -> dict[str, Any]:
        return run_trial(config, current_trial(), settings)

    def is_spent(trials: Trials) -> tuple[bool, list[Any]]:
        return sum(_epochs_of(doc["result"], settings.n_epochs) for doc in trials) >= n_epochs, []

    trials = Trials()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HpsearchWarning)  # without a pruner, reports go nowhere
        fmin(
            objective, space, algo=algo, max_evals=n_trials, trials=trials, rstate=seed, pruner=pruner,
            early_stop_fn=is_spent, show_progressbar=False, verbose=False,
        )  # fmt: skip
    return list(_progress(trials, settings.n_epochs))


def _progress(trials: Trials, n_epochs: int) -> Iterator[tuple[int, float]]:
    spent, best = 0, 0.0
    for doc in trials:
        spent += _epochs_of(doc["result"], n_epochs)
        best = max(best, doc["result"].get("accuracy", 0.0))
        yield spent, best


def _epochs_of(result: Mapping[str, Any], n_epochs: int) -> int:
    """Return the epochs of a trial, which may have been stopped or have diverged."""
    if result.get("pruned"):
        return int(result["step"])
    return len(result["accuracies"]) if "accuracies" in result else n_epochs


def _epochs_to(progress: list[tuple[int, float]], goal: float) -> int | None:
    return next((spent for spent, best in progress if best >= goal), None)


if __name__ == "__main__":
    try:
        main()
    except HpsearchError as error:
        sys.exit(str(error))
