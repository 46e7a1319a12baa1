"""Hyperopt's ``early_stop``: rules that end a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpsearch.hyperopt.engine.documents import FINAL_STATES, is_ok

__all__ = ["no_progress_loss"]


def no_progress_loss(
    iteration_stop_count: int = 20, percent_increase: float = 0.0
) -> Callable[..., tuple[bool, list[Any]]]:
    """Return a rule that ends a search after some trials without a better loss.

    Parameters
    ----------
    iteration_stop_count : int
        How many finished trials; the first of all counts, and one that failed does, too.
    percent_increase : float
        By how many percent of the best loss, in absolute value, a loss must be lower to be better.

    Returns
    -------
    callable
        For ``fmin(..., early_stop_fn=...)``.
    """

    def stop_fn(
        trials: Any, best_loss: float | None = None, n_without: int = 0, n_seen: int = 0
    ) -> tuple[bool, list[Any]]:
        docs, had_loss = trials.trials, best_loss is not None
        # Trials are taken in their order, up to the first that is not finished.
        while n_seen < len(docs) and docs[n_seen]["state"] in FINAL_STATES:
            doc, n_seen = docs[n_seen], n_seen + 1
            loss = float(doc["result"]["loss"]) if is_ok(doc) else None
            is_first = loss is not None and best_loss is None
            is_better = (
                loss is not None
                and best_loss is not None
                and loss < best_loss - abs(best_loss * percent_increase / 100)
            )
            n_without = 0 if is_better else n_without + 1
            best_loss = loss if is_first or is_better else best_loss
        has_first_loss = not had_loss and best_loss is not None  # which is never without progress
        is_over = n_without >= iteration_stop_count and not has_first_loss
        return is_over, [best_loss, n_without, n_seen]

    return stop_fn
