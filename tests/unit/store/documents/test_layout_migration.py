"""Documents of older layouts are migrated; those of newer ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.core.experiment import DEFAULT_PRIORITY, Algorithm, Budget, Defaults, Experiment, ObjectiveRef
from hpsearch.core.trial import Trial
from hpsearch.errors import UnreadableError
from hpsearch.store.documents.experiment import experiment_document, experiment_from
from hpsearch.store.documents.layout_migration import (
    EXPERIMENT_STEPS,
    SCHEMA,
    TRIAL_STEPS,
    layout_changes,
    migrate,
)
from hpsearch.store.documents.trial import trial_document, trial_from

#: Documents of layout 1.
TRIAL_1: dict[str, Any] = {
    "_id": "e/000003", "exp_key": "e", "tid": 3, "state": "pending", "priority": 0,
    "params": {"x": 0.5}, "values": {"x": 0.5}, "origin": "tpe", "attempt": 0, "max_attempts": 3,
    "lease_s": 60.0,
}  # fmt: skip
EXPERIMENT_1: dict[str, Any] = {
    "_id": "e", "schema": 1, "state": "running", "space": {"schema": 1}, "space_fingerprint": "f",
    "objective": {"kind": "import", "ref": "m:f"}, "algorithm": {"name": "tpe", "options": {}}, "seed": 7,
    "budget": {"max_evals": 5, "no_repeats": False}, "defaults": {"max_attempts": 3, "lease_s": 60.0},
}  # fmt: skip


def test_a_trial_of_the_first_layout_is_read_correctly() -> None:
    expected = Trial(exp_key="e", tid=3, values={"x": 0.5}, params={"x": 0.5}, origin="tpe")
    assert trial_from(TRIAL_1) == expected
    assert migrate(TRIAL_1, TRIAL_STEPS, "it") == trial_document(expected)


def test_an_experiment_of_the_first_layout_is_read_correctly() -> None:
    expected = Experiment(
        exp_key="e", space={"schema": 1}, space_fingerprint="f", seed=7, algorithm=Algorithm(name="tpe"),
        objective=ObjectiveRef(kind="import", ref="m:f"), budget=Budget(max_evals=5), defaults=Defaults(),
    )  # fmt: skip
    assert experiment_from(EXPERIMENT_1) == expected
    present = experiment_document(expected)
    assert present.pop("priority") == DEFAULT_PRIORITY  # what is missing means
    assert migrate(EXPERIMENT_1, EXPERIMENT_STEPS, "it") == present
    assert layout_changes(EXPERIMENT_1) == {"schema": SCHEMA}
    assert layout_changes(experiment_document(expected)) == {}


def test_steps_run_in_order_from_the_layout_of_the_document() -> None:
    steps = {
        version: lambda document, version=version: {"path": [*document.get("path", []), version]}
        for version in range(1, SCHEMA)
    }
    for version in range(1, SCHEMA + 1):
        taken = migrate({"schema": version}, steps, "it")
        assert taken["schema"] == SCHEMA
        assert taken.get("path", []) == list(range(version, SCHEMA))


def test_there_is_a_step_from_every_layout() -> None:
    assert set(EXPERIMENT_STEPS) == set(TRIAL_STEPS) == set(range(1, SCHEMA))


def test_a_migration_does_not_change_the_original() -> None:
    before = dict(EXPERIMENT_1)
    migrate(EXPERIMENT_1, EXPERIMENT_STEPS, "it")
    assert before == EXPERIMENT_1


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (SCHEMA + 1, "newer hpsearch.*upgrade"),
        (0, "from 1 on"),
        ("2", "from 1 on"),
        (None, "from 1 on"),
        (1.5, "from 1"),
    ],
)
def test_a_newer_or_invalid_layout_is_refused(schema: Any, reason: str) -> None:
    for document, read in ((TRIAL_1, trial_from), (EXPERIMENT_1, experiment_from)):
        with pytest.raises(UnreadableError, match=reason):
            read({**document, "schema": schema})
