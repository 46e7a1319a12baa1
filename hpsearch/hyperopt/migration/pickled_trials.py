"""Trials that Hyperopt, or this package, pickled to a file, as a source of jobs."""

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
    """The jobs of a file; see ``hpsearch.hyperopt.migration.job_import.JobSource``.

    Parameters
    ----------
    path : Path
        The file. Reading it runs whatever code it holds.

    Raises
    ------
    LoadError
        If it holds no trials, or cannot be read here.
    """

    def __init__(self, path: Path) -> None:
        try:
            trials = load_trials(path)
        except Exception as error:
            # A pickle calls whatever it names, and that may raise anything.
            raise LoadError(f"{path} cannot be read as pickled Trials: {reason(error)}") from error
        if not isinstance(trials, Trials):
            raise LoadError(f"{path} holds a {type(trials).__name__}, not the Trials of Hyperopt.")
        self._trials = trials

    def exp_keys(self) -> list[Any]:
        """Return the keys of its experiments."""
        return list(dict.fromkeys(doc["exp_key"] for doc in self._docs()))

    def jobs(self, exp_key: Any) -> list[Doc]:
        """Return the documents of an experiment, as they were inserted."""
        return [doc for doc in self._docs() if doc["exp_key"] == exp_key]

    def attachments(self, job: Doc) -> Iterator[tuple[str, Any]]:
        """Yield what is attached to a job by name."""
        yield from self._trials.trial_attachments(job).items()

    def _docs(self) -> list[Doc]:
        """Return all documents, also of trials whose objective raised, which ``trials`` leaves out."""
        return self._trials._dynamic_trials  # noqa: SLF001 - the name that integrators know
