"""Experiments on MongoDB, and who leads them (promises 9 and 11 of ``protocol.py``)."""

from __future__ import annotations

from collections.abc import Iterable

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
from hpsearch.store.documents.encoding import encoded
from hpsearch.store.documents.experiment import (
    experiment_document,
    experiment_from,
    leadership_from,
    objective_document,
)
from hpsearch.store.documents.migration import Document, raised
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.corrupt_documents import CorruptDocuments
from hpsearch.store.mongo.reading import read
from hpsearch.store.protocol import Leadership
from hpsearch.store.rules import check_joinable, code_before, joined_objective

_AFTER = ReturnDocument.AFTER


class Experiments:
    """The experiments of one database; each method is what the store promises under its name."""

    def __init__(
        self, connection: Connection, experiments: Collection[Document], damage: CorruptDocuments
    ) -> None:
        self._call = connection.call
        self._experiments = experiments
        self._damage = damage

    def open(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create the experiment, or join it under the same name (11)."""
        document = experiment_document(experiment)
        while True:
            this = {"_id": experiment.exp_key}
            created = self._update(this, queries.create(document), upsert=True)
            found = _found(created, experiment.exp_key)
            stored = experiment_from(found)
            check_joinable(stored, experiment, accepts_change=accepts_change)
            join = queries.raise_layout(raised(found)) + queries.join(document)
            objective = joined_objective(stored.objective, experiment.objective)
            if objective != stored.objective:
                before = code_before(stored.objective, objective)
                join += queries.set_objective(objective_document(objective), before)
            joined = self._update(queries.as_read(stored, found.get("schema")), join)
            if joined is not None:
                return experiment_from(joined)
            # Deleted, or decided on by another, since it was read: what is there now is looked at anew.

    def find(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        return experiment_from(_found(self._call(self._experiments.find_one, {"_id": exp_key}), exp_key))

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment runs, its objective with the code that is known here."""
        return self._call(self._experiments.find_one, queries.running(experiment), {"_id": 1}) is not None

    def listed(self, states: Iterable[ExperimentState] | None, *, omit_space: bool) -> list[Experiment]:
        """Return the experiments, or those in one of the states, the oldest first."""
        wanted = {} if states is None else {"state": {"$in": [state.value for state in states]}}
        order = [("created_at", 1), ("_id", 1)]
        without = {"space": 0} if omit_space else None
        documents = self._call(read, self._experiments, wanted, sort=order, fields=without)
        return self._damage.readable(documents, _without_space if omit_space else experiment_from)

    def move(self, exp_key: str, state: ExperimentState, why: str | None, leader: str | None) -> Experiment:
        """Move an experiment to a state unless it has ended, and return it as it is then (11)."""
        move = queries.set_state(state, encoded(why, "why"))
        moved = self._update(queries.going_on(exp_key, leader), move)
        return self.find(exp_key) if moved is None else experiment_from(moved)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the share of an experiment, and return it as it is then."""
        changed = self._update(queries.readable(exp_key), queries.set_priority(check_priority(priority)))
        return self.find(exp_key) if changed is None else experiment_from(changed)

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9)."""
        try:
            document = self._call(
                self._experiments.find_one_and_update,
                queries.readable(exp_key),
                queries.lead(owner, lease_s, elapsed),
                projection={"coordinator": 1, "elapsed": 1},
                return_document=_AFTER,
            )
        except (StoreUnavailableError, StorePermissionError):
            raise
        except StoreError:
            self.find(exp_key)  # which names the field, if it is because somebody altered it
            raise
        if document is None:
            self.find(exp_key)  # not there, or of a newer layout
        return leadership_from(_found(document, exp_key), owner)

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None) -> None:
        """Give the leadership up, if it is held."""
        mine = {"_id": exp_key, "coordinator.owner": owner}
        self._call(self._experiments.update_one, mine, queries.resign(owner, elapsed))

    def shorten_lead(self, exp_key: str) -> None:
        """Let a leader's lease end no later than its own length from now (6)."""
        self._call(self._experiments.update_one, queries.led_too_long(exp_key), queries.shorten_lead())

    def delete(self, exp_key: str, *, unless_led: bool) -> bool:
        """Delete the document of an experiment; return whether there was one.

        Raises
        ------
        ExperimentActiveError
            If a coordinator leads it, and ``unless_led``.
        """
        was_there = self._is_there(exp_key)
        doomed = queries.not_led(exp_key) if unless_led else {"_id": exp_key}
        is_gone = self._call(self._experiments.delete_one, doomed).deleted_count == 1
        if was_there and not is_gone and self._is_there(exp_key):
            raise ExperimentActiveError(exp_key)
        return was_there

    def _update(
        self, wanted: queries.Filter, update: queries.Pipeline, *, upsert: bool = False
    ) -> Document | None:
        """Update the experiment that a filter finds; return it as it is then, None if there is none."""
        return self._call(
            self._experiments.find_one_and_update, wanted, update, upsert=upsert, return_document=_AFTER
        )

    def _is_there(self, exp_key: str) -> bool:
        return self._call(self._experiments.find_one, {"_id": exp_key}, {"_id": 1}) is not None


def _without_space(document: Document) -> Experiment:
    return experiment_from({**document, "space": {}})


def _found(document: Document | None, exp_key: str) -> Document:
    if document is None:
        raise NotFoundError(f"There is no experiment {exp_key!r}.")
    return document
