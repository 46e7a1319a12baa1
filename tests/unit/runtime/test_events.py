"""Every log call has an event, and the reference documents its level, fields and message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hpsearch.runtime.events import Event
from tests.support.documentation import OF_A_TRIAL, SOURCES, event_rows

#: Methods of a logger, and the levels that they log at.
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}

#: Events of records that are not hpsearch's.
NOT_OURS = {Event.PYTHON_WARNING, Event.LIBRARY}


@dataclass(frozen=True)
class Use:
    """An event with its fields, somewhere in the source."""

    event: Event
    fields: frozenset[str]


@dataclass(frozen=True)
class Call:
    """A call that logs or prints an event."""

    place: str
    level: str
    message: str | None  #: None if it is put together elsewhere
    extra: ast.expr | None


ROWS = event_rows()


@cache
def nodes() -> list[tuple[Path, ast.Call]]:
    """Return the calls in every module that logs."""
    texts = {path: path.read_text() for path in SOURCES}
    return [
        (path, node)
        for path, text in texts.items()
        if re.search(r"\bEvent\.|\blog(ger)?\.|\bprint_or_log\b", text)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    ]


def used(node: ast.AST | None) -> Use | None:
    """Return the event that an expression makes the ``extra`` of."""
    match node:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Attribute(value=ast.Name("Event"), attr=name), attr="of" | "about" as how
            )
        ):
            fields = {k.arg for k in node.keywords if k.arg is not None}
            return Use(Event[name], frozenset(fields | (OF_A_TRIAL if how == "about" else set())))
    return None


@cache
def uses() -> list[Use]:
    return [use for _, node in nodes() if (use := used(node)) is not None]


@cache
def calls() -> list[Call]:
    return list(found_calls())


def found_calls() -> Iterator[Call]:
    for path, node in nodes():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("log" | "logger"), attr=method)) if (
                method in LEVELS
            ):
                level = LEVELS[method]
                extra = next((k.value for k in node.keywords if k.arg == "extra"), None)
            case ast.Call(func=ast.Name("print_or_log"), args=[_, extra], keywords=[]):
                level = "printed"
            case _:
                continue
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            continue  # the output of a user's objective
        message = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        yield Call(f"{path.name}:{node.lineno}", level, message, extra)


def test_the_reader_of_log_calls_works() -> None:
    assert len(calls()) > 40
    assert len(uses()) > 40


def test_every_log_call_names_its_event() -> None:
    def names_it(extra: ast.expr | None) -> bool:
        is_handed_on = isinstance(extra, ast.Name) and extra.id == "extra"
        return is_handed_on or used(extra) is not None

    assert [call.place for call in calls() if not names_it(call.extra)] == []


def test_every_event_is_described_and_every_described_one_exists() -> None:
    assert set(ROWS) == set(Event)


def test_every_event_is_logged_somewhere() -> None:
    assert {use.event for use in uses()} | NOT_OURS == set(Event)


def test_every_use_of_an_event_has_the_documented_fields() -> None:
    assert [use for use in uses() if use.fields != ROWS[use.event].fields] == []


def test_every_log_call_has_a_documented_level_and_message() -> None:
    wrong = []
    for call in calls():
        use = used(call.extra)
        if use is None:
            continue
        row = ROWS[use.event]
        longest = max(re.split(r"%[.\d]*\w", call.message or ""), key=len).strip()
        if call.level not in row.levels or longest[:40] not in row.words:
            wrong.append(call)
    assert wrong == []


def test_no_event_has_a_field_that_every_line_has() -> None:
    common = {"time", "level", "event", "message", "worker", "traceback"}
    assert [use.event for use in uses() if use.fields & common] == []
