"""Convert documents to the ``History`` that our suggesters learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpsearch.core.history import History
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import State, Trial
from hpsearch.hyperopt.engine.documents import FINAL_STATES, Doc, is_ok, spec_from_misc
from hpsearch.hyperopt.engine.outcomes import trial_with_outcomes
from hpsearch.hyperopt.engine.pruning import trial_number
from hpsearch.space.distribution import Numeric
from hpsearch.space.tree import Space, Values


class HistoryReader:
    """Reads a growing list of documents, and converts each final document once.

    Final documents are assumed not to change. Reading n documents, one more at a time, costs O(n) in total
    if those before the oldest open one keep their positions.

    Parameters
    ----------
    space : Space
        The search space.
    outcomes : Outcomes, optional
        Several objectives, or limits.
    """

    _n_settled: int  #: number of leading documents that are final
    _last: Doc  #: the last of these
    _early: dict[int, Doc]  #: final documents behind an open one, by ``id``

    def __init__(self, space: Space, outcomes: Outcomes | None = None) -> None:
        self._space, self._outcomes = space, outcomes
        self._bounds = {
            parameter.label: parameter.distribution.support()
            for parameter in space.parameters
            if isinstance(parameter.distribution, Numeric)
        }
        self._reset()

    def read(self, docs: Sequence[Doc]) -> tuple[History, list[Values]]:
        """Return the history of the final trials, in the order of their first reading, and the open points.

        Trials with values outside the space are left out.
        """
        if self._n_settled > len(docs) or (self._n_settled and docs[self._n_settled - 1] is not self._last):
            self._reset()
        pending = []
        for i in range(self._n_settled, len(docs)):
            doc = docs[i]
            is_final = doc["state"] in FINAL_STATES
            if is_final and i == self._n_settled:
                self._n_settled = i + 1
                self._last = doc
            if id(doc) in self._early:
                if self._n_settled == i + 1:
                    del self._early[id(doc)]
                continue
            values = self._learnable(spec_from_misc(doc["misc"]))
            if values is None:
                continue
            if not is_final:
                pending.append(values)
                continue
            self.history.add(self._trial(len(self.history), values, doc))
            if self._n_settled <= i:
                self._early[id(doc)] = doc
        return self.history, pending

    def _learnable(self, spec: Mapping[str, Any]) -> Values | None:
        """Return the active raw values, clipped to their ranges; None if one is missing or invalid."""
        values: dict[str, float | int] = {}
        for parameter in self._space.parameters:
            if not parameter.is_active(values):
                continue
            label, distribution = parameter.label, parameter.distribution
            if label not in spec:
                return None
            if isinstance(distribution, Numeric):
                low, high = self._bounds[label]
                values[label] = min(max(distribution.grid(float(spec[label])), low), high)
            elif distribution.contains(spec[label]):
                values[label] = int(spec[label])
            else:
                return None
        return values

    def _trial(self, number: int, values: Values, doc: Doc) -> Trial:
        """Convert a final document to a trial."""
        if doc["result"].get("pruned"):
            return Trial(exp_key="", tid=trial_number(doc["tid"]), values=values, state=State.PRUNED)
        if self._outcomes is not None:
            return trial_with_outcomes(number, values, doc, self._outcomes)
        loss = float(doc["result"]["loss"]) if is_ok(doc) else None
        state = State.FAILED if loss is None else State.DONE
        return Trial(exp_key="", tid=number, values=values, state=state, loss=loss)

    def _reset(self) -> None:
        self.history = History(self._space, self._outcomes)
        self._n_settled = 0
        self._last = {}
        self._early = {}


def finished_history(space: Space, docs: Iterable[Doc]) -> tuple[History, list[Doc]]:
    """Return the final trials of a space as a history, and the document of each row.

    Parameters
    ----------
    space : Space
        The search space.
    docs : iterable of dict
        Documents; those with values outside the space, and open ones, are left out.
    """
    reader = HistoryReader(space)
    read: list[Doc] = []
    rows: list[Doc] = []
    for doc in docs:
        if doc["state"] in FINAL_STATES:
            read.append(doc)
            history, _ = reader.read(read)
            if len(history) > len(rows):
                rows.append(doc)
    return reader.history, rows
