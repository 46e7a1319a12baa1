"""Experiments on MongoDB, and who leads them (guarantees 9 and 11 of ``protocol.py``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState, check_priority
from hpsearch.errors import (
    ExperimentActiveError,
    NotFoundError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
)
from hpsearch.store.checks import check_joinable, joined_objective, replaced_fingerprint
from hpsearch.store.documents.encoding import decoded, encoded
from hpsearch.store.documents.experiment import (
    experiment_document,
    experiment_from,
    leadership_from,
    objective_document,
)
from hpsearch.store.documents.layout_migration import Document, layout_changes
from hpsearch.store.mongo import experiment_queries as queries
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.corrupt_documents import CorruptDocuments
from hpsearch.store.mongo.queries import Filter, Pipeline
from hpsearch.store.mongo.reading import read
from hpsearch.store.protocol import Leadership


class Experiments:
    """The experiments of one database; ``TrialStore`` documents its operations.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    experiments : Collection
        Their documents.
    corrupt : CorruptDocuments
        Logs documents that cannot be read.
    """

    def __init__(
        self, connection: Connection, experiments: Collection[Document], corrupt: CorruptDocuments
    ) -> None:
        self._call = connection.call
        self._experiments = experiments
        self._corrupt = corrupt

    def open(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create or join an experiment.

        Parameters
        ----------
        experiment : Experiment
            The experiment to create or join.
        accepts_change : bool
            Whether to accept changed code of its objective.
        """
        document = experiment_document(experiment)
        while True:
            this = {"_id": experiment.exp_key}
            found = _found(self._update(this, queries.create(document), upsert=True), experiment.exp_key)
            stored = experiment_from(found)
            check_joinable(stored, experiment, accepts_change=accepts_change)
            join = queries.raise_layout(layout_changes(found)) + queries.join(document)
            objective = joined_objective(stored.objective, experiment.objective)
            if objective != stored.objective:
                before = replaced_fingerprint(stored.objective, objective)
                join += queries.set_objective(objective_document(objective), before)
            joined = self._update(queries.unchanged(stored, found.get("schema")), join)
            if joined is not None:
                return experiment_from(joined)
            # It was deleted or joined by another process since it was read: start over.

    def find(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        return experiment_from(_found(self._call(self._experiments.find_one, {"_id": exp_key}), exp_key))

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment is running with the same objective code."""
        return self._call(self._experiments.find_one, queries.running(experiment), {"_id": 1}) is not None

    def list_all(self, states: Iterable[ExperimentState] | None, *, omit_space: bool) -> list[Experiment]:
        """Return the experiments, oldest first.

        Parameters
        ----------
        states : iterable of ExperimentState or None
            Only experiments in one of these.
        omit_space : bool
            Whether to return them with empty spaces.
        """
        wanted = {} if states is None else {"state": {"$in": [state.value for state in states]}}
        order = [("created_at", 1), ("_id", 1)]
        without = {"policy": 0, **({"space": 0} if omit_space else {})}
        documents = self._call(read, self._experiments, wanted, sort=order, fields=without)
        return self._corrupt.readable(documents, _without_space if omit_space else experiment_from)

    def list_with(self, labels: Iterable[str], limit: int) -> list[Experiment]:
        """Return experiments whose space has all of some parameters, the newest first.

        Parameters
        ----------
        labels : iterable of str
            Labels of the parameters.
        limit : int
            The maximum number of experiments.
        """
        wanted, order = queries.with_labels(labels), [("created_at", -1), ("_id", -1)]
        documents = self._call(read, self._experiments, wanted, sort=order, limit=limit)
        return self._corrupt.readable(documents, experiment_from)

    def set_state(
        self, exp_key: str, state: ExperimentState, why: str | None, leader: str | None
    ) -> Experiment:
        """Change the state of an experiment unless it has ended; return the stored experiment.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        state : ExperimentState
            The new state.
        why : str or None
            Why it ended.
        leader : str or None
            Token of a coordinator, which must lead it.
        """
        update = queries.set_state(state, encoded(why, "why"))
        changed = self._update(queries.not_ended(exp_key, leader), update)
        return self.find(exp_key) if changed is None else experiment_from(changed)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the priority of an experiment; return the stored experiment.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        priority : int
            From 0 to ``HIGHEST_PRIORITY``.
        """
        changed = self._update(queries.readable(exp_key), queries.set_priority(check_priority(priority)))
        return self.find(exp_key) if changed is None else experiment_from(changed)

    def annotate(self, exp_key: str, update: Pipeline) -> None:
        """Change the note or the tags of an experiment.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        update : list of dict
            As ``queries.annotate`` returns it.
        """
        if not update or self._update(queries.readable(exp_key), update) is None:
            self.find(exp_key)

    def publish_policy(self, exp_key: str, policy: Mapping[str, Any], leader: str) -> bool:
        """Store the policy of the pruner; return whether it was stored.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        policy : mapping
            The policy.
        leader : str
            Token of a coordinator, which must lead it.
        """
        update = queries.set_policy(encoded(policy, "policy"))
        led = {"_id": exp_key, "coordinator.owner": leader}
        return self._call(self._experiments.update_one, led, update).matched_count == 1

    def policy(self, exp_key: str, known_version: int | None) -> Mapping[str, Any] | None:
        """Return the policy of the pruner.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        known_version : int or None
            Return None if the policy has this version.
        """
        newer = {} if known_version is None else {"policy.version": {"$ne": known_version}}
        found = self._call(self._experiments.find_one, {"_id": exp_key, **newer}, {"policy": 1})
        policy = decoded((found or {}).get("policy"))
        return policy if isinstance(policy, dict) else None

    def revise(self, exp_key: str) -> None:
        """Make coordinators read the trials of an experiment again; raises ``NotFoundError``."""
        if self._update(queries.readable(exp_key), queries.revise()) is None:
            self.find(exp_key)

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        owner : str
            Token of the bidding coordinator.
        lease_s : float
            Length of the lease, in seconds.
        elapsed : Elapsed or None
            For how long the run has been led, as the bidder measured it.
        """
        try:
            document = self._call(
                self._experiments.find_one_and_update,
                queries.readable(exp_key),
                queries.lead(owner, lease_s, elapsed),
                projection={"coordinator": 1, "elapsed": 1},
                return_document=ReturnDocument.AFTER,
            )
        except (StoreUnavailableError, StorePermissionError):
            raise
        except StoreError:
            self.find(exp_key)  # if the document is corrupt, this error names the field
            raise
        if document is None:
            self.find(exp_key)  # raises: missing, or of a newer layout
        return leadership_from(_found(document, exp_key), owner)

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None) -> None:
        """Give up the leadership, if held.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        owner : str
            Token of the coordinator.
        elapsed : Elapsed or None
            As for ``lead``.
        """
        led = {"_id": exp_key, "coordinator.owner": owner}
        self._call(self._experiments.update_one, led, queries.resign(owner, elapsed))

    def shorten_lead(self, exp_key: str) -> None:
        """End the leader's lease no later than its own length from now."""
        self._call(self._experiments.update_one, queries.led_too_long(exp_key), queries.shorten_lead())

    def delete(self, exp_key: str, *, unless_led: bool) -> bool:
        """Delete the document of an experiment; return whether there was one.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        unless_led : bool
            Whether to refuse while a coordinator leads it.

        Raises
        ------
        ExperimentActiveError
            If the deletion was refused.
        """
        was_there = self._exists(exp_key)
        wanted = queries.not_led(exp_key) if unless_led else {"_id": exp_key}
        is_deleted = self._call(self._experiments.delete_one, wanted).deleted_count == 1
        if was_there and not is_deleted and self._exists(exp_key):
            raise ExperimentActiveError(exp_key)
        return was_there

    def _update(self, wanted: Filter, update: Pipeline, *, upsert: bool = False) -> Document | None:
        """Update an experiment; return the new document, None if the filter matches none."""
        return self._call(
            self._experiments.find_one_and_update,
            wanted,
            update,
            upsert=upsert,
            return_document=ReturnDocument.AFTER,
        )

    def _exists(self, exp_key: str) -> bool:
        return self._call(self._experiments.find_one, {"_id": exp_key}, {"_id": 1}) is not None


def _without_space(document: Document) -> Experiment:
    return experiment_from({**document, "space": {}})


def _found(document: Document | None, exp_key: str) -> Document:
    if document is None:
        raise NotFoundError(f"There is no experiment {exp_key!r}.")
    return document
