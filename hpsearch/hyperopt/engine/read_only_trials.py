"""What can be read from the trials of a search, wherever their documents are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.hyperopt.engine.documents import (
    Doc,
    Idxs,
    is_ok,
    miscs_to_idxs_vals,
    spec_from_misc,
    why_no_loss,
)
from hpsearch.hyperopt.exceptions import AllTrialsFailed
from hpsearch.space.tree import Space


class ReadOnlyTrials:
    """The reading half of ``Trials``: columns, counts and the best of the documents that are shown.

    Whoever keeps documents fills ``_trials``, and says in ``_every_doc`` what there is beside.
    """

    _trials: list[Doc]  #: what the last refresh saw, of trials that wait, run or are done
    _space: Space | None = None  #: what the values mean; None while nobody told

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Doc]:
        return iter(self._trials)

    def __getitem__(self, item: Any) -> Doc:
        raise NotImplementedError("Trials are not indexed by number; write trials.trials[i], or look by tid.")

    @property
    def trials(self) -> list[Doc]:
        """The documents of trials that wait, run or are done; not of those whose objective raised."""
        return self._trials

    @property
    def tids(self) -> list[Any]:
        """The numbers of the trials."""
        return [doc["tid"] for doc in self._trials]

    @property
    def specs(self) -> list[Any]:
        """The part ``spec`` of each document, always None."""
        return [doc["spec"] for doc in self._trials]

    @property
    def results(self) -> list[Doc]:
        """What the objective returned, for each trial."""
        return [doc["result"] for doc in self._trials]

    @property
    def miscs(self) -> list[Doc]:
        """The part ``misc`` of each document."""
        return [doc["misc"] for doc in self._trials]

    @property
    def idxs_vals(self) -> tuple[Idxs, Idxs]:
        """By label: the trials in which a parameter was active, and its values there."""
        return miscs_to_idxs_vals(self.miscs)

    @property
    def idxs(self) -> Idxs:
        """By label: the numbers of the trials in which a parameter was active."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> Idxs:
        """By label: the raw values of a parameter in the trials in which it was active."""
        return self.idxs_vals[1]

    def losses(self, bandit: Any = None) -> list[Any]:
        """Return the loss of each trial; None where there is none."""
        return [doc["result"].get("loss") for doc in self._trials]

    def statuses(self, bandit: Any = None) -> list[Any]:
        """Return the status of each trial."""
        return [doc["result"].get("status") for doc in self._trials]

    @property
    def best_trial(self) -> Doc:
        """The document with the lowest loss among those with the status "ok"; the first of equals.

        Raises
        ------
        AllTrialsFailed
            If there is none; it says how many failed, and how the last one did.
        """
        best = min(filter(is_ok, self._trials), key=lambda doc: float(doc["result"]["loss"]), default=None)
        if best is None:
            raise AllTrialsFailed(why_no_loss(self._every_doc()))
        return best

    @property
    def argmin(self) -> dict[str, Any]:
        """The raw values of the best trial, by label: a choice is the index of its option."""
        return spec_from_misc(self.best_trial["misc"])

    @property
    def best_params(self) -> dict[str, Any]:
        """The values of the best trial as a person reads them: a choice is the option itself.

        Raises
        ------
        AllTrialsFailed
            If there is no best trial.
        ConfigurationError
            If the space is not known, since no ``fmin`` was given these trials in this process.
        """
        return self._known_space().params(self.argmin)

    @property
    def best_config(self) -> Any:
        """What the objective received in the best trial; errors as ``best_params``.

        Of a stored space, functions and classes are shown as text, unless it is trusted.
        """
        return self._known_space().config(self.argmin)

    def average_best_error(self, bandit: Any = None) -> float:
        """Return the mean of ``true_loss``, each weighted by the probability that its loss is the lowest.

        Raises
        ------
        AllTrialsFailed
            If no trial has a loss.
        """
        results = [doc["result"] for doc in self._trials if is_ok(doc)]
        if not results:
            raise AllTrialsFailed(why_no_loss(self._every_doc()))
        losses = np.array([float(result["loss"]) for result in results])
        variances = np.array([float(result.get("loss_variance") or 0) for result in results])
        true_losses = np.array([float(result.get("true_loss", result["loss"])) for result in results])
        if not variances.any():
            return float(true_losses[np.argmin(losses)])
        return float(pmin_sampled(losses, variances) @ true_losses)

    def to_frame(self) -> Any:
        """Return one row for each trial as a pandas DataFrame: tid, state, status, loss, and each label.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("Trials.to_frame()", "frame") from error
        rows = [
            {
                "tid": doc["tid"],
                "state": doc["state"],
                "status": doc["result"].get("status"),
                "loss": doc["result"].get("loss"),
                **spec_from_misc(doc["misc"]),
            }
            for doc in self._trials
        ]
        return pandas.DataFrame(rows)

    def count_by_state_synced(self, arg: Any, trials: Iterable[Doc] | None = None) -> int:
        """Count, as of the last refresh, the trials in a state, or in one of several."""
        states = {arg} if isinstance(arg, int) else set(arg)
        return sum(doc["state"] in states for doc in (self._trials if trials is None else trials))

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count, as of now, the trials in a state, or in one of several."""
        return self.count_by_state_synced(arg, self._every_doc())

    def _known_space(self) -> Space:
        if self._space is None:
            raise ConfigurationError(
                "These trials do not know their space, which is not saved with them; "
                "call fmin with them first, or use space_eval(space, trials.argmin)."
            )
        return self._space

    def _every_doc(self) -> Iterable[Doc]:
        """Return all documents of these trials, those of failed ones included."""
        return self._trials


def pmin_sampled(mean: Any, var: Any, n_samples: int = 1000, rng: Any = None) -> Floats:
    """Return the probability of each of several independent normals to be the lowest, by sampling.

    Parameters
    ----------
    mean, var : (n,) array-like
        Of the normals.
    n_samples : int
        Draws; the standard error of a probability is at most ``0.5 / sqrt(n_samples)``.
    rng : Generator, RandomState, int or None
        The source of randomness; the same draws at each call by default.

    Returns
    -------
    (n,) array
        Probabilities, with the sum 1.
    """
    means = np.asarray(mean, dtype=float)
    generator = np.random.default_rng(0 if rng is None else rng)
    draws = generator.normal(means, np.sqrt(np.asarray(var, dtype=float)), size=(n_samples, len(means)))
    counts = np.bincount(draws.argmin(axis=1), minlength=len(means))
    frequencies: Floats = counts / n_samples
    return frequencies
