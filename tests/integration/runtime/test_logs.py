"""The log in JSON, from real processes: every line of stderr is a JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SETUP = """
import logging, math, os, sys, warnings
from datetime import datetime
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import log_to_stderr, print_or_log, log_as_json

log_as_json()
log_to_stderr(logging.WARNING, worker="anna")
log = logging.getLogger("hpsearch.somewhere")
"""


def written(code: str) -> list[dict[str, Any]]:
    """Run code after the set-up; return the lines of stderr, each of which must be JSON."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code], capture_output=True, text=True, timeout=200, check=True
    )
    return [json.loads(line, parse_constant=pytest.fail) for line in done.stderr.splitlines()]


def test_a_json_line_has_time_level_event_message_and_fields() -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    (line,) = written(
        'log.info("trial %s done", "a/1", extra=Event.TRIAL_DONE.of(exp_key="a", tid=1, loss=0.5))'
    )
    time = line.pop("time")
    assert time.endswith("Z")
    assert began <= datetime.fromisoformat(time) <= datetime.now(UTC)
    assert line == {
        "level": "info",
        "event": "trial_done",
        "message": "trial a/1 done",
        "worker": "anna",
        "exp_key": "a",
        "tid": 1,
        "loss": 0.5,
    }


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "a\r\nb",
        "separators \u2028 \u2029 \x85 \x0b \x1c",
        "\x1b[2J \x00",
        'quotes " and \\',
        "\U0001f600",
    ],
)
def test_any_text_stays_on_one_line_and_complete(text: str) -> None:
    (line,) = written(f'log.info("%s", {text!r}, extra=Event.OUTPUT.of(source={text!r}))')
    assert (line["message"], line["source"]) == (text, text)


def test_text_in_a_plain_line_is_escaped() -> None:
    code = (
        "import logging\n"
        "from hpsearch.runtime.logs import log_to_stderr, print_or_log\n"
        "log_to_stderr(logging.WARNING)\n"
        "log = logging.getLogger('hpsearch.somewhere')\n"
        "hostile = 'a\\n2026-01-01 00:00:00 ERROR \\x1b[2J\\x9b\\u202e\\ud800'\n"
        "log.warning('worker %s', hostile)\n"
        "print_or_log(hostile, {})\n"
        "try:\n    raise ValueError(hostile)\nexcept ValueError:\n    log.exception('failed')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    first, *rest = done.stderr.split("\n")
    assert first.endswith(r"WARNING worker a\n2026-01-01 00:00:00 ERROR \x1b[2J\x9b\u202e\ud800")
    assert [c for line in rest for c in line if not c.isprintable()] == []
    assert any(line.startswith("Traceback") for line in rest)


def test_log_lines_equals_one_call_per_line() -> None:
    texts = ["", "a", 'quotes " and \\', "\\n", "\x7f\x00\u2028", "\ud800", '"message": ""', "\U0001f600"]
    source = '"message": ""'
    code = f"texts, extra = {texts!r}, Event.OUTPUT.of(source={source!r})\n"
    at_once = written(f"{code}from hpsearch.runtime.logs import log_lines\nlog_lines(texts, extra=extra)")
    one_by_one = written(f"{code}for text in texts: log.info('%s', text, extra=extra)")
    for line in (*at_once, *one_by_one):
        del line["time"]
    assert at_once == one_by_one
    assert len(at_once) == len(texts)


def test_a_lone_surrogate_is_logged() -> None:
    """An objective may print bytes that are not text, or a lone surrogate."""
    (line,) = written(r'log.info("%s", "a\ud800b", extra=Event.OUTPUT.of(source="e"))')
    assert line["message"] == "a\ud800b"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("math.nan", None),
        ("-math.inf", None),
        ("datetime(2026, 1, 2)", "2026-01-02T00:00:00"),
        ("('a', 1)", ["a", 1]),
        ("{1: [math.nan]}", {"1": [None]}),
        ("b'ab'", "6162"),
        ("{1}", "{1}"),
    ],
)
def test_a_field_of_any_type_becomes_strict_json(
    value: str, expected: dict[str, Any] | list[int | str] | str | None
) -> None:
    (line,) = written(f'log.info("x", extra=Event.TRIAL_DONE.of(loss={value}))')
    assert line["loss"] == expected


def test_a_traceback_is_a_field() -> None:
    (line,) = written(
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n"
        '    log.exception("a step failed", extra=Event.HEARTBEAT_FAILED.of())'
    )
    assert line["level"] == "error"
    assert line["traceback"].startswith("Traceback (most recent call last):\n")
    assert line["traceback"].endswith("ZeroDivisionError: division by zero")


def test_warnings_of_python_and_libraries_are_json_lines() -> None:
    lines = written(
        'warnings.warn("careful\\nnow")\n'
        'logging.getLogger("pymongo.pool").warning("%d connections", 3)\n'
        'logging.getLogger("pymongo.pool").info("text of a library")\n'
        'logging.getLogger("odd").error("%d of %d", "three")'
    )
    assert [(line["event"], line["level"]) for line in lines] == [
        ("python_warning", "warning"),
        ("library", "warning"),
        ("library", "error"),
    ]
    assert "careful\nnow" in lines[0]["message"]
    assert lines[1]["message"] == "3 connections"
    assert "%d of %d" in lines[2]["message"]


def test_print_or_log_is_an_event_in_json() -> None:
    (line,) = written('print_or_log("Searching as a.", Event.SEARCHING.of(exp_key="a"))')
    assert (line["event"], line["level"], line["exp_key"]) == ("searching", "info", "a")


def test_logging_continues_after_the_reader_has_ended() -> None:
    code = f"{SETUP}\nos.close(2)\nlog.error('x', extra=Event.CRASHED.of())\nprint('goes on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stdout) == (0, "goes on\n")


@pytest.mark.parametrize("end", ["sys.stderr.close()", "sys.stderr = None"])
def test_logging_continues_after_an_objective_closes_stderr(end: str) -> None:
    """With --no-isolate it is the worker's stderr, to which the heartbeat thread writes, too."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + f"{end}\nlog.warning('unread')\nprint('goes on')"],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.stdout == "goes on\n"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["run", "no_such_file.py"], 65, "LoadError"),
        (["run", "x.py", "--max-evals", "many"], 2, "BadParameter"),
        (["worker", "--store", "mongodb://127.0.0.1:1/x", "--health-port", "-1"], 2, "BadParameter"),
        (["worker", "--store", "postgres://x"], 78, "ConfigurationError"),
    ],
)
def test_the_final_error_is_an_event_with_the_exit_code(
    arguments: list[str], code: int, error: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hpsearch", *arguments, "--log-format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == code
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["event"], line["level"]) == ("command_failed", "error")
    assert (line["exit_code"], line["error"]) == (code, error)


def test_an_internal_error_is_an_event_with_its_traceback() -> None:
    code = (
        "import click\n"
        "from hpsearch.cli.process import run_and_exit\n"
        "from hpsearch.cli.options import log_format_option\n"
        "@click.command()\n@log_format_option()\n"
        "def broken():\n    raise RuntimeError('a defect')\n"
        "run_and_exit(broken, 'broken', 'BROKEN')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--log-format", "json"], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 1
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["event"], line["level"]) == ("crashed", "critical")
    assert line["traceback"].endswith("RuntimeError: a defect")
