"""The properties and statistics of ``Trials`` that do not depend on where documents are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.core.outcomes import Outcomes, outcomes_from
from hpsearch.errors import ConfigurationError, MissingExtraError, SpaceError
from hpsearch.hyperopt.engine.documents import (
    Doc,
    Idxs,
    is_ok,
    miscs_to_idxs_vals,
    spec_from_misc,
    why_no_loss,
)
from hpsearch.hyperopt.engine.history_reader import finished_history
from hpsearch.hyperopt.engine.outcomes import best_of, standing_of_docs
from hpsearch.hyperopt.engine.trials_html import best_rows, trials_html
from hpsearch.hyperopt.exceptions import AllTrialsFailed
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.tree import Space

if TYPE_CHECKING:
    from hpsearch.suggest.believed_losses import BelievedLosses


class ReadOnlyTrials:
    """The reading half of ``Trials``: columns, counts, and the best trial.

    A subclass fills ``_trials``, and returns all documents from ``_every_doc``.
    """

    _trials: list[Doc]  #: new, running and done trials as of the last refresh
    _space: Space | None = None  #: None until a search sets it
    _declared: Mapping[str, Any] | None = None  #: several objectives or limits, as arguments of ``fmin``

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Doc]:
        return iter(self._trials)

    def _repr_html_(self) -> str:
        docs = list(self._every_doc())
        readable = {i: self._readable(spec_from_misc(docs[i]["misc"])) for i in best_rows(docs)}
        return trials_html(docs, readable)

    def __getitem__(self, item: Any) -> Doc:
        raise NotImplementedError("Trials are not indexed by number; write trials.trials[i], or look by tid.")

    @property
    def trials(self) -> list[Doc]:
        """The documents of new, running and done trials; not of those whose objective raised."""
        return self._trials

    @property
    def search_space(self) -> Space | None:
        """The space of the search that used these trials last; None if unknown."""
        return self._space

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
        """The result of each trial."""
        return [doc["result"] for doc in self._trials]

    @property
    def miscs(self) -> list[Doc]:
        """The part ``misc`` of each document."""
        return [doc["misc"] for doc in self._trials]

    @property
    def idxs_vals(self) -> tuple[Idxs, Idxs]:
        """By label, the trials in which a parameter was active, and its values in them."""
        return miscs_to_idxs_vals(self.miscs)

    @property
    def idxs(self) -> Idxs:
        """By label, the numbers of the trials in which a parameter was active."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> Idxs:
        """By label, the raw values of a parameter in the trials in which it was active."""
        return self.idxs_vals[1]

    def losses(self, bandit: Any = None) -> list[Any]:
        """Return the loss of each trial, None if it has none."""
        return [doc["result"].get("loss") for doc in self._trials]

    def statuses(self, bandit: Any = None) -> list[Any]:
        """Return the status of each trial."""
        return [doc["result"].get("status") for doc in self._trials]

    @property
    def best_trial(self) -> Doc:
        """The document with the lowest loss and the status "ok"; the first of equal ones.

        It keeps all limits. With several objectives, it is the knee of the front.

        Raises
        ------
        AllTrialsFailed
            If there is none; the message has the causes.
        """
        if (outcomes := self.outcomes) is not None:
            return best_of(self._trials, outcomes, self._every_doc())
        best = min(filter(is_ok, self._trials), key=lambda doc: float(doc["result"]["loss"]), default=None)
        if best is None:
            raise AllTrialsFailed(why_no_loss(self._every_doc()))
        return best

    @property
    def outcomes(self) -> Outcomes | None:
        """The objectives and limits of the search that used these trials last; None of one loss."""
        return None if self._declared is None else outcomes_from(**self._declared)[1]

    @property
    def front(self) -> list[Doc]:
        """The documents of the trials that no other one beats in all objectives, by the first objective.

        All of them keep the limits of the search.

        Raises
        ------
        ConfigurationError
            If the search has one objective.
        """
        outcomes = self.outcomes
        front = None if outcomes is None else standing_of_docs(self._trials, outcomes).front
        if front is None:
            raise ConfigurationError("These trials have one objective, so there is no front; see best_trial.")
        return [self._trials[trial.tid] for trial in front.trials]

    @property
    def best_believed(self) -> Doc:
        """The document of the trial that is most likely best where losses are noisy, else ``best_trial``.

        Losses are known to be noisy when a point was evaluated more than once, which ``auto`` does now and
        then, and its losses differ.

        Raises
        ------
        AllTrialsFailed
            If no trial has a loss.
        ConfigurationError
            If the space is unknown, since no ``fmin`` in this process used these trials.
        """
        best = self.best_trial
        believed, docs = self._believed()
        return best if believed is None else docs[believed.best]

    def believed_losses(self) -> list[Any]:
        """Return what the loss of each trial would be without noise, None if it has none.

        These are the losses where they are not known to be noisy; see ``best_believed``.
        """
        believed, docs = self._believed()
        if believed is None:
            return [float(doc["result"]["loss"]) if is_ok(doc) else None for doc in self._trials]
        losses = {id(doc): float(loss) for doc, loss in zip(docs, believed.losses, strict=True)}
        return [losses.get(id(doc)) if is_ok(doc) else None for doc in self._trials]

    @property
    def argmin(self) -> dict[str, Any]:
        """The raw values of the best trial by label; a choice is the index of its option."""
        return spec_from_misc(self.best_trial["misc"])

    @property
    def best_params(self) -> dict[str, Any]:
        """The readable values of the best trial by label; a choice is the option itself.

        Raises
        ------
        AllTrialsFailed
            If there is no best trial.
        ConfigurationError
            If the space is unknown, since no ``fmin`` in this process used these trials.
        """
        return self._known_space().params(self.argmin)

    @property
    def best_config(self) -> Any:
        """The configuration of the best trial; raises as ``best_params``.

        Functions and classes of a stored space are text, unless it is trusted.
        """
        return self._known_space().config(self.argmin)

    def average_best_error(self, bandit: Any = None) -> float:
        """Return the mean of ``true_loss``, weighted by the probability that a trial has the lowest loss.

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
        """Return one row for each trial as a pandas DataFrame: tid, state, status, loss, and each parameter.

        Parameters have the values of ``best_params``; if the space is unknown, a choice is the index of its
        option. The option None is the text "None"; an inactive parameter is missing (NaN).

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
                **self._readable(spec_from_misc(doc["misc"])),
            }
            for doc in self._trials
        ]
        return pandas.DataFrame(rows)

    def _readable(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values in readable form, with a text for the option None, which pandas takes for missing."""
        try:
            params = self._known_space().params(values)
        except (ConfigurationError, SpaceError):
            return dict(values)
        return {label: "None" if value is None else value for label, value in params.items()}

    def count_by_state_synced(self, arg: Any, trials: Iterable[Doc] | None = None) -> int:
        """Count the trials in some states, as of the last refresh.

        Parameters
        ----------
        arg : int or sequence of int
            The state or states.
        trials : iterable of dict, optional
            Documents to count instead.
        """
        states = {arg} if isinstance(arg, int) else set(arg)
        return sum(doc["state"] in states for doc in (self._trials if trials is None else trials))

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count the trials in a state, or in one of several, as of now."""
        return self.count_by_state_synced(arg, self._every_doc())

    def _believed(self) -> tuple[BelievedLosses | None, list[Doc]]:
        """Return what is believed of the final trials, if losses are noisy, and the document of each."""
        # SciPy takes a while to import.
        from hpsearch.suggest.believed_losses import believed_losses

        history, docs = finished_history(self._known_space(), self._trials)
        with isolated_numerics():
            return believed_losses(history), docs

    def _known_space(self) -> Space:
        if self._space is None:
            raise ConfigurationError(
                "The space of these trials is unknown, since it is not saved with them; "
                "call fmin with them first, or use space_eval(space, trials.argmin)."
            )
        return self._space

    def _every_doc(self) -> Iterable[Doc]:
        """Return the documents of all trials, including failed ones."""
        return self._trials


def pmin_sampled(mean: Any, var: Any, n_samples: int = 1000, rng: Any = None) -> Floats:
    """Return, by sampling, the probability that each of several independent normals is the lowest.

    Parameters
    ----------
    mean, var : (n,) array-like
        Of the normals.
    n_samples : int
        Number of draws; the standard error of a probability is at most ``0.5 / sqrt(n_samples)``.
    rng : Generator, RandomState, int or None
        Source of randomness; by default each call makes the same draws.

    Returns
    -------
    (n,) array
        Probabilities; their sum is 1.
    """
    means = np.asarray(mean, dtype=float)
    generator = np.random.default_rng(0 if rng is None else rng)
    draws = generator.normal(means, np.sqrt(np.asarray(var, dtype=float)), size=(n_samples, len(means)))
    counts = np.bincount(draws.argmin(axis=1), minlength=len(means))
    frequencies: Floats = counts / n_samples
    return frequencies
