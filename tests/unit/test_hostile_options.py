"""Whatever stands on the command line: an exit code of the table and one sentence, never a traceback."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import cli
from hpsearch.logs import LOGGERS
from tests.unit.test_documentation import commands

#: As the reference and ``hpsearch --help`` list them.
TABLE = {0, 1, 2, 4, 65, 69, 70, 77, 78, 130, 143}

#: Commands that would start a server, or wait for a reader.
LEFT_OUT = {"db start"}

COMMANDS = {name: found for name, found in commands() if name not in LEFT_OUT}

#: A program's arguments have no NUL, and undecodable bytes arrive as lone surrogates.
VALUES = st.sampled_from(
    [
        "",
        "-",
        "--",
        "0",
        "-1",
        "1",
        "2.5",
        "nan",
        "inf",
        "1e400",
        str(2**63),
        "9" * 5000,
        "x",
        "x" * 5000,
        "a b",
        "é",
        "\udcff",
        "\N{PILE OF POO}",
        "\n",
        "\x1b[31m",
        "$HOME",
        "a/b",
        "/",
        ".",
        "..",
        "no/such/file.py",
        "search.py",
        "search.py:objective",
        "search.py:",
        "search.py:missing",
        ":",
        "::",
        "os:getcwd",
        "os.path",
        "no.such:thing",
        "1h",
        "10m5",
        "99999d",
        "json",
        "table",
        "tpe",
        "auto",
        "done",
        "=",
        "a=b",
        "n_startup=-1",
        'start="x"',
        "{",
        "[1,",
        "true",
        "empty.py",
        "binary.py",
        "folder",
        "folder.py",
        "broken.py",
        "exits.py",
        "noise.png",
        "mongodb://",
        "mongodb://h:x/db",
    ]
)

FILES: dict[str, bytes] = {
    "search.py": b"""
from hpsearch import hp

space = {'x': hp.uniform('x', 0, 1)}


def objective(config):
    return config['x']
""",
    "empty.py": b"",
    "binary.py": bytes(range(256)) * 10,
    "broken.py": b"def (:\n" + b"x" * 100_000,
    "exits.py": b"raise SystemExit('now')\n",
}


@dataclass(frozen=True)
class Outcome:
    code: Any
    err: str


def call(arguments: list[str], folder: Path) -> Outcome:
    """Run ``hpsearch ARGUMENTS`` in a user's folder, with a database that is none."""
    err, loggers = io.StringIO(), [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()), redirect_stderr(err):
        patch.chdir(folder)
        patch.setenv("HPSEARCH_STORE", "nothing://here")
        patch.setenv("HPSEARCH_HOME", str(folder / "home"))
        patch.setattr(sys, "argv", ["hpsearch", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x\n")))
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        finally:
            for logger, level, handlers in before:
                logger.setLevel(level)
                logger.handlers[:] = handlers
    return Outcome(code, err.getvalue())


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command with hostile values for its arguments and for some of its options."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    line = name.split(" ")
    parameters = COMMANDS[name].params
    options = [p for p in parameters if isinstance(p, click.Option) and "--debug" not in p.opts]
    for option in draw(st.lists(st.sampled_from(options), max_size=3)) if options else []:
        flag = draw(st.sampled_from([*option.opts, *option.secondary_opts]))
        line += (
            [flag]
            if option.is_flag
            else [f"{flag}={draw(VALUES)}"]
            if flag.startswith("--")
            else [flag, draw(VALUES)]
        )
    for _ in [p for p in parameters if isinstance(p, click.Argument)]:
        line.append(draw(VALUES))
    return line + draw(st.lists(VALUES, max_size=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder, with files that are not what they should be."""
    path = tmp_path_factory.mktemp("user")
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "folder").mkdir()
    (path / "folder.py").mkdir()
    return path


@pytest.mark.fuzz
@settings(deadline=None)
@given(line=lines())
def test_any_command_line_ends_with_a_code_of_the_table_and_a_sentence(folder: Path, line: list[str]):
    outcome = call(line, folder)
    assert outcome.code in TABLE, outcome
    assert "Traceback" not in outcome.err
    if outcome.code not in {0, 1} and line[0] != "doctor":  # which tells what it found, on stdout
        *_, last = outcome.err.rstrip("\n").split("\n")
        assert last.startswith("hpsearch: "), outcome.err
        assert len(last) < 2000
