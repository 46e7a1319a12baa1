"""Any command line ends with a documented exit code and one sentence, never with a traceback."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import cli
from hpsearch.cli.process import failure_in
from hpsearch.runtime.logs import LOGGERS
from tests.support.documentation import commands, variable

#: As the reference and ``hpsearch --help`` list them.
TABLE = {0, 1, 2, 4, 65, 69, 70, 77, 78, 130, 143}

#: Commands that would start a server, or wait for a reader.
LEFT_OUT = {"db start"}

COMMANDS = {name: found for name, found in commands() if name not in LEFT_OUT}

#: Variables that belong to no option.
PLAIN = (
    "HPSEARCH_HOME",
    "HPSEARCH_MONGOD",
    "HPSEARCH_SECRET",
    "XDG_DATA_HOME",
    "WATCHDOG_USEC",
    "CUDA_VISIBLE_DEVICES",
)
NOTHING: Mapping[str, str] = MappingProxyType({})

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
        "loop.py",
        "rude.py",
        "getattr.py",
        "spite.py",
        "~no-such-user/file",
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
    "rude.py": b"class E(Exception):\n    def __str__(self): 1 / 0\nraise E\n",
    "getattr.py": b"def __getattr__(name): raise OSError(name)\n",
    "spite.py": b"class S:\n    def __repr__(self): 1 / 0\n    __iter__ = __repr__\nspace = S()\n",
}


@dataclass(frozen=True)
class Outcome:
    code: Any
    err: str


def call(arguments: list[str], folder: Path, environment: Mapping[str, str] = NOTHING) -> Outcome:
    """Run ``hpsearch ARGUMENTS`` in a user's folder with an invalid database."""
    err, loggers = io.StringIO(), [logging.getLogger(name) for name in ("", *LOGGERS)]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()), redirect_stderr(err):
        patch.chdir(folder)
        patch.setenv("HPSEARCH_STORE", "nothing://here")
        patch.setenv("HPSEARCH_HOME", str(folder / "home"))
        patch.setenv("HPSEARCH_MONGOD", "no-such-program")
        for name, value in environment.items():
            patch.setenv(name, value)
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
            logging.captureWarnings(False)
    return Outcome(code, err.getvalue())


def options_of(name: str) -> list[click.Option]:
    """Return the options of a command without the hidden --parent, which would end this process."""
    found = [p for p in COMMANDS[name].params if isinstance(p, click.Option)]
    return [option for option in found if not option.hidden and "--debug" not in option.opts]


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command with hostile values for its arguments and for some of its options."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    line = name.split(" ")
    parameters = COMMANDS[name].params
    options = options_of(name)
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


@st.composite
def environments(draw: st.DrawFn) -> tuple[list[str], dict[str, str]]:
    """A command with a value for each of its arguments, and hostile values in variables that it reads."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    parameters = COMMANDS[name].params
    variables = [variable(name, option) for option in options_of(name)]
    found = draw(st.dictionaries(st.sampled_from([*variables, *PLAIN]), VALUES, min_size=1, max_size=3))
    for needed in {"HPSEARCH_STORE", "HPSEARCH_MONGOD"} & found.keys():
        found[needed] = found[needed] or "x"  # without a URI, a private server would start
    arguments = ["search.py" for p in parameters if isinstance(p, click.Argument)]
    return [*name.split(" "), *arguments], found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with invalid files."""
    path = tmp_path_factory.mktemp("user")
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "folder").mkdir()
    (path / "folder.py").mkdir()
    (path / "loop.py").symlink_to("loop.py")
    return path


@pytest.mark.fuzz
@settings(deadline=None)
@given(line=lines())
def test_any_command_line_ends_with_a_documented_exit_code_and_a_sentence(
    folder: Path, line: list[str]
) -> None:
    assert_code_and_sentence(call(line, folder), line[0])


@pytest.mark.fuzz
@settings(deadline=None)
@given(given=environments())
def test_any_environment_ends_with_a_documented_exit_code_and_a_sentence(
    folder: Path, given: tuple[list[str], dict[str, str]]
) -> None:
    line, environment = given
    assert_code_and_sentence(call(line, folder, environment), line[0])


def assert_code_and_sentence(outcome: Outcome, command: str) -> None:
    assert outcome.code in TABLE, outcome
    assert "Traceback" not in outcome.err
    if outcome.code not in {0, 1} and command != "doctor":  # which prints its findings on stdout
        last = failure_in(outcome.err.splitlines())
        assert last, outcome.err
        assert len(last) < 2000


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "\udcff", "x" * 301])
def test_a_worker_refuses_an_invalid_name(folder: Path, name: str) -> None:
    outcome = call(["worker", "--name", name], folder)
    assert (outcome.code, "cannot name a worker" in outcome.err) == (2, True)
