"""Which refusals count as lost access, and how long it lasts."""

from __future__ import annotations

import pytest
from pymongo.errors import OperationFailure

from hpsearch.store.mongo.lost_access import Access
from hpsearch.store.mongo.roles import COORDINATOR, VIEWER, WORKER, Role, privileges

UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18


def refused(command: str, database: str = "hpsearch") -> OperationFailure:
    text = f'not authorized on {database} to execute command {{ {command}, $db: "{database}" }}'
    return OperationFailure(text, UNAUTHORIZED)


@pytest.mark.parametrize(
    ("role", "command", "is_lost"),
    [
        (WORKER, 'findAndModify: "trials", query: {}', True),
        (WORKER, 'update: "workers", updates: []', True),
        (WORKER, 'getMore: 123, collection: "trials"', True),
        (WORKER, 'insert: "trials", documents: []', False),
        (WORKER, 'aggregate: "trials", pipeline: [ { $changeStream: {} } ]', True),
        (VIEWER, 'findAndModify: "trials", query: {}', False),
        (VIEWER, 'find: "experiments", filter: {}', True),
        (COORDINATOR, 'createIndexes: "trials", indexes: []', False),
        (COORDINATOR, 'collMod: "trials"', False),
        (COORDINATOR, 'insert: "trials", documents: []', True),
    ],
)
def test_only_a_right_that_the_user_had_can_be_lost(role: Role, command: str, is_lost: bool) -> None:
    access = Access("h", privileges(role, "hpsearch"))
    assert access.is_lost(refused(command)) is is_lost
    assert access.is_lost(refused(command, "elsewhere")) is (is_lost and "getMore" in command)
    assert access.is_lost(OperationFailure("Authentication failed.", AUTHENTICATION_FAILED))


def test_a_connection_whose_user_was_deleted_has_lost_access() -> None:
    error = OperationFailure("command find requires authentication", UNAUTHORIZED)
    assert Access("h", privileges(WORKER, "hpsearch")).is_lost(error)
    assert not Access("h", []).is_lost(error)  # it never gave a name


def test_a_user_counts_as_accepted_after_a_while_without_refusals(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Heartbeats do not wait, so that some are refused while other calls succeed."""
    now = [0.0]
    access = Access("h", privileges(WORKER, "hpsearch"), clock=lambda: now[0])
    for _ in range(5):
        access.note_refusal(refused('update: "workers"'), is_first=True)
        access.note_end(was_refused=True, is_success=False)
        now[0] += 5
        access.note_end(was_refused=False, is_success=True)
    assert access.refused_s() == 25.0
    now[0] += 15
    access.note_end(was_refused=False, is_success=True)
    assert access.refused_s() is None
    assert [vars(record)["event"] for record in caplog.records] == ["access_refused", "access_granted"]


def test_a_user_counts_as_accepted_once_the_last_waiting_call_succeeds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    access = Access("h", privileges(WORKER, "hpsearch"), clock=lambda: 0.0)
    for _ in range(2):
        access.note_refusal(refused('update: "trials"'), is_first=True)
        access.note_refusal(refused('update: "trials"'), is_first=False)
    access.note_end(was_refused=True, is_success=True)
    assert access.refused_s() is not None
    access.note_end(was_refused=True, is_success=True)
    assert access.refused_s() is None
    assert [vars(record)["event"] for record in caplog.records] == ["access_refused", "access_granted"]


def test_the_log_has_nothing_of_the_refused_command(caplog: pytest.LogCaptureFixture) -> None:
    access = Access("h", privileges(WORKER, "hpsearch"))
    access.note_refusal(refused('update: "trials", updates: [ { u: "a secret" } ]'), is_first=True)
    assert "update on trials" in caplog.text
    assert "a secret" not in caplog.text
