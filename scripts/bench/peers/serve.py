"""Run a peer's searches for ``process``: ``python -m peers.serve NAME``, under the peer's Python.

Requests and responses are lines of JSON: ``["start", algorithm, space, seed, n_evals]``, ``["ask"]``, which
is answered with the number and the values of a trial, and ``["tell", number, loss]``. A peer that prunes
answers ``["report", number, step, value]`` with whether the trial stops there. A search with several
objectives starts with their number behind ``n_evals``, and gets its results by ``["tell_outcomes",
number, losses, amounts]``. Every response has the CPU time that the peer took. What a library prints goes to
standard error.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import random
import sys
import time
import traceback
from typing import Any, cast

import numpy as np

from peers.adapter import Adapter, OutcomesAdapter, PruningAdapter
from peers.messages import decode


def main(name: str) -> None:
    """Answer requests until standard input ends."""
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session = _Session(name)
    for line in sys.stdin:
        started = time.process_time()
        try:
            response = session.answer(*json.loads(line))
        except Exception as error:  # noqa: BLE001  # a peer may raise anything
            traceback.print_exc()
            response = {"error": f"{type(error).__name__}: {error}"}
        response["cpu_s"] = time.process_time() - started
        print(json.dumps(response), file=responses, flush=True)


class _Session:
    """The current search of a peer."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._adapter: Adapter | None = None
        self._trials: dict[int, Any] = {}
        self._numbers = itertools.count()

    def answer(self, request: str, *arguments: Any) -> dict[str, Any]:
        if request == "start":
            algorithm, space, seed, n_evals, *several = arguments
            random.seed(seed)
            np.random.seed(seed)  # some peers draw from it
            self._trials.clear()
            module = importlib.import_module(f"peers.{self._name}")
            self._adapter = module.make(algorithm, decode(space), seed, n_evals, *several)
            return {}
        assert self._adapter is not None
        if request == "tell":
            number, loss = arguments
            self._adapter.tell(self._trials.pop(number), loss)
            return {}
        if request == "tell_outcomes":
            number, losses, amounts = arguments
            cast("OutcomesAdapter", self._adapter).tell_outcomes(self._trials.pop(number), losses, amounts)
            return {}
        if request == "report":
            number, step, value = arguments
            is_stop = cast("PruningAdapter", self._adapter).report(self._trials[number], step, value)
            if is_stop:
                del self._trials[number]
            return {"is_stop": is_stop}
        trial, values = self._adapter.ask()
        number = next(self._numbers)
        self._trials[number] = trial
        return {"trial": number, "values": {label: float(value) for label, value in values.items()}}


if __name__ == "__main__":
    main(sys.argv[1])
