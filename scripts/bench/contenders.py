"""Algorithms with an ask-and-tell interface, for ``quality.py``: ours, and those of peers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from peers.process import PEERS, Peer, python_of
from problems.space import Space, expression

import hpsearch
from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.runtime.numerics import single_threaded
from hpsearch.space import tree
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.believed_losses import believed_losses
from hpsearch.suggest.names import ALGORITHMS
from hpsearch.suggest.protocol import trial_rng


class Contender(Protocol):
    """An algorithm on one space; trials without a reported loss are pending."""

    cpu_s: float  #: CPU time of the algorithm so far

    def ask(self) -> tuple[Any, Mapping[str, float | int]]:
        """Return the next trial's handle, for ``tell``, and its values: numbers, and indices of options."""
        ...

    def tell(self, trial: Any, loss: float | None) -> None:
        """Report the loss of a trial; None if it failed."""
        ...

    def answer(self) -> Mapping[str, float | int] | None:
        """Return the values of the trial that is believed to be best; None: the one with the lowest loss."""
        ...


#: Returns a contender for a space, a seed, and the number of evaluations of the search.
Maker: TypeAlias = Callable[[Space, int, int], Contender]


def is_ours(name: str) -> bool:
    """Return whether an algorithm is one of hpsearch's."""
    return name in ALGORITHMS


def version_of(name: str) -> str:
    """Return a digest of the code that an algorithm of hpsearch depends on; an empty text for a peer."""
    return _own_version() if is_ours(name) else ""


@cache
def _own_version() -> str:
    package = Path(hpsearch.__file__).parent
    digest = hashlib.sha256()
    for folder in ("core", "space", "suggest"):
        for file in sorted((package / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def contender(name: str) -> Maker:
    """Return the maker of an algorithm: one of ours, or PEER.ALGORITHM.

    Raises
    ------
    MissingPeerError
        If a peer is named that is not installed.
    ValueError
        If there is no such algorithm.
    """
    if is_ours(name):
        return lambda space, seed, n_evals: _Ours(name, space, seed)
    peer, _, algorithm = name.partition(".")
    if peer not in PEERS or not algorithm:
        known = [*ALGORITHMS, *(f"{peer}.ALGORITHM" for peer in PEERS)]
        raise ValueError(f"{name!r}: no such algorithm; there are {', '.join(known)}.")
    python_of(peer)
    return lambda space, seed, n_evals: Peer(peer, algorithm, space, seed, n_evals)


class _Ours:
    def __init__(self, algorithm: str, space: Space, seed: int) -> None:
        self.cpu_s = 0.0
        with self._timed():
            searched = tree.Space(expression(space, hp))
            self._suggester = make_suggester(Algorithm(name=algorithm), searched)
            self._history = History(searched)
        self._pending: dict[int, tree.Values] = {}
        self._seed, self._n_asked = seed, 0

    def ask(self) -> tuple[int, tree.Values]:
        with self._timed():
            tid, pending = self._n_asked, list(self._pending.values())
            (suggestion,) = self._suggester.suggest(self._history, pending, [trial_rng(self._seed, tid)])
        self._n_asked += 1
        self._pending[tid] = suggestion.values
        return tid, suggestion.values

    def tell(self, trial: int, loss: float | None) -> None:
        state = State.FAILED if loss is None else State.DONE
        values = self._pending.pop(trial)
        with self._timed():
            self._history.add(Trial(exp_key="bench", tid=trial, values=values, state=state, loss=loss))

    def answer(self) -> tree.Values | None:
        believed = believed_losses(self._history)
        return None if believed is None else self._history.point(believed.best)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Add the CPU time of a block to ``cpu_s``."""
        started = time.process_time()
        with single_threaded():
            yield
        self.cpu_s += time.process_time() - started
