"""From documents to the ``History`` that our suggesters learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.hyperopt.engine.documents import FINAL_STATES, Doc, is_ok, spec_from_misc
from hpsearch.space.distribution import Numeric
from hpsearch.space.tree import Space, Values


class HistoryReader:
    """Reads documents again and again, and converts each only once when it is done.

    Finished documents are taken to stay as they are. Reading n of them one by one as they
    finish costs O(n) in all, while those before the oldest open one stay where they are.
    """

    _n_settled: int  #: how many documents are final, from the first on
    _last: Doc  #: the last of those
    _early: dict[int, Doc]  #: those behind an open one that are in the history already, by identity

    def __init__(self, space: Space) -> None:
        self._space = space
        self._bounds = {
            parameter.label: parameter.distribution.support()
            for parameter in space.parameters
            if isinstance(parameter.distribution, Numeric)
        }
        self._start_anew()

    def read(self, docs: Sequence[Doc]) -> tuple[History, list[Values]]:
        """Return the finished trials, in the order in which they were seen so, and the open points.

        A trial with values that the space does not have tells nothing, and is left out.
        """
        if self._n_settled > len(docs) or (self._n_settled and docs[self._n_settled - 1] is not self._last):
            self._start_anew()
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
            self.history.add(_trial(len(self.history), values, doc))
            if self._n_settled <= i:
                self._early[id(doc)] = doc
        return self.history, pending

    def _learnable(self, spec: Mapping[str, Any]) -> Values | None:
        """Return the active ones of some raw values, moved into their ranges, or None if that cannot be."""
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

    def _start_anew(self) -> None:
        self.history = History(self._space)
        self._n_settled = 0
        self._last = {}
        self._early = {}


def _trial(number: int, values: Values, doc: Doc) -> Trial:
    """Return a finished document as a trial."""
    loss = float(doc["result"]["loss"]) if is_ok(doc) else None
    state = State.FAILED if loss is None else State.DONE
    return Trial(exp_key="", tid=number, values=values, state=state, loss=loss)
