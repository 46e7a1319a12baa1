"""The validators agree with the documents that we write."""

from __future__ import annotations

from dataclasses import fields

from hpsearch.core.trial import State, Trial
from hpsearch.core.trial_fields import OUTCOME_METRICS
from hpsearch.store.documents.trial import trial_document
from hpsearch.store.mongo.schema import INDEXES, TRIALS, VALIDATORS

PROPERTIES = VALIDATORS[TRIALS]["$jsonSchema"]["properties"]


def test_every_field_of_a_trial_has_a_type() -> None:
    # The loss is checked with the state.
    named = {field.name for field in fields(Trial)} - {"loss"}
    assert named | {"_id", "schema", *OUTCOME_METRICS} == PROPERTIES.keys()


def test_every_state_is_allowed() -> None:
    assert set(PROPERTIES["state"]["enum"]) == {state.value for state in State}


def test_a_new_trial_has_every_required_field_but_the_server_time() -> None:
    required = set(VALIDATORS[TRIALS]["$jsonSchema"]["required"])

    assert required - trial_document(Trial(exp_key="e", tid=0, values={})).keys() == {"created_at"}


def test_no_index_contains_a_field_that_heartbeats_write() -> None:
    indexed = {name for index in INDEXES[TRIALS] for name, _ in index.keys}

    assert not indexed & {"heartbeat_at", "lease_until"}
