"""A peer in a process of its own, which runs under the Python of the peer's environment.

``scripts/bench/peers/venv NAME`` makes an environment in ``.peers``; without it, a peer that is installed
beside hpsearch runs under this Python.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from problems.space import Space

from hpsearch.errors import ConfigurationError
from peers.messages import encode

_BENCH = Path(__file__).parents[1]
_ENVIRONMENTS = _BENCH.parents[1] / ".peers"

#: The peers, and the package by which one is recognized that is installed beside hpsearch.
PEERS = {
    "hyperopt": "hyperopt",
    "nevergrad": "nevergrad",
    "optuna": "optuna",
    "smac": "smac",
}


class MissingPeerError(ConfigurationError):
    """A peer is not installed."""


class PeerError(Exception):
    """A peer raised an error, or its process ended; the search cannot go on."""


def python_of(name: str) -> Path:
    """Return the Python that has a peer.

    Raises
    ------
    MissingPeerError
        If there is none.
    """
    python = _ENVIRONMENTS / name / "bin" / "python"
    if python.exists():
        return python
    if importlib.util.find_spec(PEERS[name]) is not None:
        return Path(sys.executable)
    raise MissingPeerError(f"{name} is not installed: run scripts/bench/peers/venv {name}.")


class Peer:
    """A search by a peer; a contender of ``quality.py``.

    Parameters
    ----------
    name : str
        Of ``PEERS``.
    algorithm : str
        One of the peer's; the adapter lists them.
    space : mapping
    seed : int
    n_evals : int
        Of the search; some peers divide it into phases.
    n_objectives : int
        Results with several go to ``tell_outcomes``, which only Optuna has.
    """

    def __init__(
        self, name: str, algorithm: str, space: Space, seed: int, n_evals: int, n_objectives: int = 1
    ) -> None:
        self._server = _server(name)
        self.cpu_s = 0.0  #: of the peer
        several = [n_objectives] if n_objectives > 1 else []
        self._request("start", algorithm, encode(space), seed, n_evals, *several)

    def ask(self) -> tuple[int, dict[str, float | int]]:
        """Return the next trial's number and values."""
        response = self._request("ask")
        return response["trial"], response["values"]

    def tell(self, trial: int, loss: float | None) -> None:
        """Report the loss of a trial; None if it failed."""
        self._request("tell", trial, loss)

    def answer(self) -> None:
        """Return None: the answer of a peer is the trial with the lowest loss."""

    def tell_outcomes(self, trial: int, losses: Sequence[float], amounts: Sequence[float]) -> None:
        """Report the losses of a trial, and by how much it exceeds its limits."""
        self._request("tell_outcomes", trial, list(losses), list(amounts))

    def report(self, trial: int, step: int, value: float) -> bool:
        """Report a value of a trial that goes on; return whether the peer stops it, and knows that it did."""
        return bool(self._request("report", trial, step, value)["is_stop"])

    def _request(self, *request: Any) -> dict[str, Any]:
        response = self._server.request(*request)
        self.cpu_s += response["cpu_s"]
        return response


class _Server:
    """A process that answers requests; it ends with this one."""

    def __init__(self, name: str) -> None:
        self._name = name
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [python_of(name), "-m", "peers.serve", name],
            cwd=_BENCH,
            env={**os.environ, **threads, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def request(self, *request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            _server.cache_clear()
            raise PeerError(f"the process of {self._name} ended with code {self._process.wait()}")
        response: dict[str, Any] = json.loads(line)
        if "error" in response:
            raise PeerError(f"{self._name} raised {response['error']}")
        return response


@functools.cache
def _server(name: str) -> _Server:
    """Return the process of a peer; all searches share it, since it takes seconds to start."""
    return _Server(name)
