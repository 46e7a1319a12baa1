"""Reads jobs from a file of ``Trials`` that Hyperopt or hpsearch pickled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpsearch.errors import LoadError
from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.engine.saving import load_trials
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.runtime.escaping import reason


class PickledTrials:
    """The jobs in a file; a ``JobSource``.

    Parameters
    ----------
    path : Path
        The file. Must be trusted, since unpickling runs code.

    Raises
    ------
    LoadError
        If the file cannot be unpickled or does not contain ``Trials``.
    """

    def __init__(self, path: Path) -> None:
        try:
            trials = load_trials(path)
        except Exception as error:
            # Unpickling calls arbitrary code, which may raise anything.
            raise LoadError(f"{path} cannot be read as pickled Trials: {reason(error)}") from error
        if not isinstance(trials, Trials):
            raise LoadError(f"{path} contains a {type(trials).__name__}, not Trials of Hyperopt.")
        self._trials = trials

    def exp_keys(self) -> list[Any]:
        """Return the keys of its experiments."""
        return list(dict.fromkeys(doc["exp_key"] for doc in self._docs()))

    def jobs(self, exp_key: Any) -> list[Doc]:
        """Return the documents of an experiment in order of insertion."""
        return [doc for doc in self._docs() if doc["exp_key"] == exp_key]

    def attachments(self, job: Doc) -> Iterator[tuple[str, Any]]:
        """Yield the attachments of a job by name."""
        yield from self._trials.trial_attachments(job).items()

    def _docs(self) -> list[Doc]:
        """Return all documents, including those of failed trials, which ``trials`` omits."""
        return self._trials._dynamic_trials
