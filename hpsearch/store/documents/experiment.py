"""Converting experiments and leaderships to documents and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from hpsearch.core.experiment import (
    DEFAULT_PRIORITY,
    Algorithm,
    Budget,
    Defaults,
    Elapsed,
    Experiment,
    ExperimentState,
    ObjectiveChange,
    ObjectiveRef,
    PruneMode,
    Pruner,
    check_priority,
)
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes, declared_outcomes, parse_limit, parse_objective
from hpsearch.core.warm_start import WarmStart, WarmStartPoint, WarmStartSource
from hpsearch.errors import ConfigurationError
from hpsearch.store.documents.encoding import encoded, present
from hpsearch.store.documents.fields import Fields, document_label
from hpsearch.store.documents.layout_migration import EXPERIMENT_STEPS, SCHEMA, Document, migrate
from hpsearch.store.documents.trial import LONGEST_LEASE_S
from hpsearch.store.protocol import Leadership


def experiment_document(experiment: Experiment) -> Document:
    """Return the document of an experiment, without times, which the store sets.

    Raises
    ------
    StoreError
        If a part cannot be stored; the text names it.
    """
    return {
        "_id": experiment.exp_key,
        "schema": SCHEMA,
        "state": experiment.state.value,
        **present(ended_why=experiment.ended_why),
        "space": encoded(experiment.space, "space"),
        "space_fingerprint": experiment.space_fingerprint,
        "objective": objective_document(experiment.objective),
        **present(objective_changes=[present(**asdict(one)) for one in experiment.objective_changes]),
        **present(goal=None if experiment.goal == LOSS else present(**asdict(experiment.goal))),
        **present(outcomes=experiment.outcomes and outcomes_document(experiment.outcomes)),
        "algorithm": {
            "name": experiment.algorithm.name,
            "options": encoded(experiment.algorithm.options, "algorithm.options"),
        },
        "seed": encoded(experiment.seed, "seed"),
        **present(lag=experiment.lag),
        **present(warm_start=experiment.warm_start and warm_start_document(experiment.warm_start)),
        "budget": present(**encoded(asdict(experiment.budget), "budget")),
        "defaults": present(**encoded(asdict(experiment.defaults), "defaults")),
        **present(pruner=pruner_document(experiment.pruner)),
        "priority": check_priority(experiment.priority),
        **present(note=experiment.note, tags=list(experiment.tags)),
    }


def objective_document(objective: ObjectiveRef) -> Document:
    """Return the document of an objective; raises as ``experiment_document`` does."""
    return present(
        **encoded(
            {**asdict(objective), "paths": list(objective.paths), "command": list(objective.command)},
            "objective",
        )
    )


def outcomes_document(outcomes: Outcomes) -> Document:
    """Return the document of declared outcomes, as the texts that a user types."""
    objectives = outcomes.objectives if outcomes.has_several_objectives else ()
    return present(objectives=list(map(str, objectives)), limits=list(map(str, outcomes.limits)))


def pruner_document(pruner: Pruner) -> Document:
    """Return the document of a pruner, empty where none is wanted; raises as ``experiment_document`` does."""
    return present(**encoded(asdict(pruner), "pruner")) if pruner.is_on else {}


def warm_start_document(warm_start: WarmStart) -> Document:
    """Return the document of a warm start; raises as ``experiment_document`` does."""
    return {
        "sources": [
            present(exp_key=s.exp_key, created_at=encoded(s.created_at, "created_at"), n_trials=s.n_trials)
            for s in warm_start.sources
        ],
        "points": [
            {"exp_key": p.exp_key, "tid": p.tid, "values": encoded(p.values, "warm_start.points.values")}
            for p in warm_start.points
        ],
    }


def experiment_from(document: Mapping[str, Any]) -> Experiment:
    """Return the experiment of a document; unknown fields are ignored.

    Raises
    ------
    UnreadableError
        If a newer hpsearch wrote it, or a field is corrupt; the text names it.
    """
    label = document_label("Experiment", document)
    fields = Fields(migrate(document, EXPERIMENT_STEPS, label), label)
    algorithm, goal = fields.part("algorithm"), _goal_from(fields.maybe_part("goal"))
    led_until, lead_lease_s = _lead_from(fields.maybe_part("coordinator"))
    return Experiment(
        exp_key=fields.text("_id"),
        space=fields.mapping("space"),
        space_fingerprint=fields.text("space_fingerprint"),
        objective=_objective_from(fields.part("objective")),
        objective_changes=tuple(map(_change_from, fields.parts("objective_changes"))),
        goal=goal,
        outcomes=_outcomes_from(fields.maybe_part("outcomes"), goal),
        algorithm=Algorithm(name=algorithm.text("name"), options=algorithm.maybe_mapping("options")),
        seed=fields.integer("seed", least=0),
        lag=fields.maybe_count("lag"),
        warm_start=_warm_start_from(fields.maybe_part("warm_start")),
        budget=_budget_from(fields.part("budget")),
        defaults=_defaults_from(fields.part("defaults")),
        pruner=_pruner_from(fields.maybe_part("pruner")),
        priority=_priority_from(fields),
        note=fields.maybe_text("note"),
        tags=tuple(sorted(fields.texts("tags"))),
        revision=fields.maybe_count("revision") or 0,
        state=fields.one_of("state", ExperimentState),
        ended_why=fields.maybe_text("ended_why"),
        created_at=fields.maybe_date("created_at"),
        started_at=fields.maybe_date("started_at"),
        elapsed=_elapsed_from(fields.maybe_part("elapsed")),
        led_until=led_until,
        lead_lease_s=lead_lease_s,
    )


def _goal_from(fields: Fields | None) -> Goal:
    if fields is None:
        return LOSS
    return Goal(metric=fields.maybe_text("metric"), maximize=fields.flag("maximize"))


def _outcomes_from(fields: Fields | None, goal: Goal) -> Outcomes | None:
    if fields is None:
        return None
    try:
        objectives = [parse_objective(text) for text in fields.texts("objectives")]
        limits = [parse_limit(text) for text in fields.texts("limits")]
        return declared_outcomes(objectives, limits, goal)
    except ConfigurationError:
        fields.refuse("limits", "a list of limits such as 'ms <= 20', beside a list of objectives")


def leadership_from(document: Mapping[str, Any], bidder: str) -> Leadership:
    """Return who leads an experiment; raises as ``experiment_from`` does.

    Parameters
    ----------
    document : mapping
        Of the experiment, after a bid.
    bidder : str
        Token of the bidding coordinator.
    """
    fields = Fields(document, document_label("Experiment", document))
    leader, elapsed = fields.part("coordinator"), _elapsed_from(fields.maybe_part("elapsed"))
    return Leadership(
        exp_key=document["_id"],
        owner=leader.maybe_text("owner") or "",
        epoch=leader.count("epoch"),
        lease_until=leader.date("lease_until"),
        lease_s=_lease_s(leader),
        elapsed=elapsed,
        is_mine=leader.maybe_text("owner") == bidder,
    )


def _objective_from(fields: Fields) -> ObjectiveRef:
    return ObjectiveRef(
        kind=fields.text("kind"),
        ref=fields.text("ref"),
        path=fields.maybe_text("path"),
        paths=fields.texts("paths"),
        digest=fields.maybe_text("digest"),
        nonce=fields.maybe_text("nonce"),
        fingerprint=fields.maybe_text("fingerprint"),
        source=fields.maybe_text("source"),
        parts=fields.maybe_mapping("parts"),
        command=fields.texts("command"),
        config_template=fields.maybe_text("config_template"),
    )


def _change_from(fields: Fields) -> ObjectiveChange:
    return ObjectiveChange(
        at=fields.date("at"), before=fields.maybe_text("before"), after=fields.text("after")
    )


def _warm_start_from(fields: Fields | None) -> WarmStart | None:
    if fields is None:
        return None
    return WarmStart(
        sources=tuple(
            WarmStartSource(
                exp_key=part.text("exp_key"),
                created_at=part.maybe_date("created_at"),
                n_trials=part.count("n_trials"),
            )
            for part in fields.parts("sources")
        ),
        points=tuple(
            WarmStartPoint(values=part.numbers("values"), exp_key=part.text("exp_key"), tid=part.count("tid"))
            for part in fields.parts("points")
        ),
    )


def _budget_from(fields: Fields) -> Budget:
    return Budget(
        max_evals=fields.maybe_integer("max_evals"),
        timeout_s=fields.maybe_number("timeout_s"),
        loss_threshold=fields.maybe_number("loss_threshold"),
        until=fields.maybe_text("until"),
        until_worth=fields.maybe_number("until_worth"),
        max_steps=fields.maybe_number("max_steps"),
        no_repeats=fields.flag("no_repeats"),
    )


def _pruner_from(fields: Fields | None) -> Pruner:
    if fields is None:
        return Pruner()
    return Pruner(
        name=fields.text("name"),
        options=fields.maybe_mapping("options"),
        max_resource=fields.maybe_number("max_resource"),
        min_resource=fields.maybe_number("min_resource"),
        mode=fields.one_of("mode", PruneMode),
    )


def _defaults_from(fields: Fields) -> Defaults:
    return Defaults(
        max_attempts=fields.integer("max_attempts", least=1),
        trial_timeout_s=fields.maybe_number("trial_timeout_s"),
        lease_s=fields.number("lease_s", 0.0, LONGEST_LEASE_S),
    )


def _priority_from(fields: Fields) -> int:
    """Return the priority; experiments of older versions have none and get the default."""
    priority = fields.maybe_count("priority")
    return DEFAULT_PRIORITY if priority is None else priority


def _elapsed_from(fields: Fields | None) -> Elapsed | None:
    if fields is None:
        return None
    return Elapsed(seconds=fields.number("seconds", 0.0), since=fields.maybe_date("since"))


def _lead_from(fields: Fields | None) -> tuple[datetime | None, float | None]:
    """Return the end and the length of the leader's lease; check the fields that a bid needs, too."""
    if fields is None:
        return None, None
    fields.maybe_text("owner")
    fields.maybe_count("epoch")
    return fields.maybe_date("lease_until"), _lease_s(fields)


def _lease_s(leader: Fields) -> float | None:
    return leader.maybe_number("lease_s", 0.0, LONGEST_LEASE_S)
