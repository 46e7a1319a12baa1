"""``Trials`` as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Any

from hpsearch.core.html import ranked_table
from hpsearch.hyperopt.engine.documents import FINAL_STATES, Doc, is_ok
from hpsearch.runtime.html import Markup, element, joined

#: The best trials that are shown.
_MAX_TRIALS = 5


def trials_html(docs: Sequence[Doc], readable: Mapping[int, Mapping[str, Any]]) -> Markup:
    """Return the number of trials by outcome, and the best of them.

    Parameters
    ----------
    docs : sequence of dict
        The documents of all trials.
    readable : mapping of int to mapping
        Readable parameters by position in ``docs``, of the ``best_rows``.
    """
    n_ok = sum(map(is_ok, docs))
    n_open = sum(doc["state"] not in FINAL_STATES for doc in docs)
    counts = [f"{len(docs)} trials: {n_ok} with a loss"]
    if n_failed := len(docs) - n_ok - n_open:
        counts.append(f"{n_failed} failed")
    if n_open:
        counts.append(f"{n_open} open")
    if not readable:
        return element("div", ", ".join(counts))
    labels = dict.fromkeys(label for params in readable.values() for label in params)
    rows = [(docs[i]["tid"], float(docs[i]["result"]["loss"]), params) for i, params in readable.items()]
    return joined([element("div", ", ".join(counts)), ranked_table(rows, labels)])


def best_rows(docs: Sequence[Doc]) -> Iterable[int]:
    """Return the positions of the best documents, the best first."""
    rows = (i for i, doc in enumerate(docs) if is_ok(doc))
    return nsmallest(_MAX_TRIALS, rows, key=lambda i: (float(docs[i]["result"]["loss"]), i))
