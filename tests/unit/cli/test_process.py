"""Errors as sentences and exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import click
import pytest

from hpsearch import errors
from hpsearch.cli.options import debug_option
from hpsearch.cli.process import run_and_exit

Run = Callable[..., tuple[object, str, str]]

ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.HpsearchError)
]


def made(kind: type[errors.HpsearchError]) -> errors.HpsearchError:
    return kind("plots", "plot") if kind is errors.MissingExtraError else kind("Something is wrong.")


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_becomes_one_sentence_and_its_exit_code(
    kind: type[errors.HpsearchError], run: Run
) -> None:
    def fail() -> None:
        raise made(kind)

    code, out, err = run(fail)
    assert code == kind.exit_code
    assert out == ""
    assert err == f"hpsearch: {made(kind)}\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a function as a command and return exit code, stdout and stderr."""

    def call(body: Callable[[], None], *arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
        command = click.command()(debug_option()(body))
        with pytest.raises(SystemExit) as ended:
            run_and_exit(command, "hpsearch", "HPSEARCH")
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    yield call
    for name in ("hpsearch", "hpsearch_worker"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_successful_command_ends_with_zero(run: Run) -> None:
    assert run(lambda: click.echo("done")) == (0, "done\n", "")


def test_a_command_may_choose_its_exit_code(run: Run) -> None:
    def leave() -> None:
        raise click.exceptions.Exit(70)

    assert run(leave) == (70, "", "")


def test_wrong_usage_is_one_sentence_with_the_command_for_help(run: Run) -> None:
    code, out, err = run(lambda: None, "--nonsense")
    assert (code, out) == (2, "")
    assert err.startswith("hpsearch: No such option")
    assert err.endswith(" See: hpsearch --help\n")


def test_an_interrupt_is_printed_without_a_traceback(run: Run) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run(interrupted) == (130, "", "\nInterrupted.\n")


def test_debug_shows_the_traceback_before_the_sentence(run: Run) -> None:
    def fail() -> None:
        raise errors.NotFoundError("There is no such thing.")

    code, _, err = run(fail, "--debug")
    assert code == 4
    assert err.startswith("Traceback")
    assert err.endswith("hpsearch: There is no such thing.\n")


def test_the_variable_of_debug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise errors.NotFoundError("There is no such thing.")

    monkeypatch.setenv("HPSEARCH_DEBUG", "1")
    assert "Traceback" in run(fail)[2]


def test_an_unexpected_exception_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["hpsearch"])
    with pytest.raises(ZeroDivisionError):
        run_and_exit(click.Command("try", callback=bug), "hpsearch", "HPSEARCH")


def test_a_wrong_value_of_an_environment_variable_is_reported_under_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = click.Command("try", params=[click.Option(["--concurrency"], type=int)], callback=lambda **_: 0)
    monkeypatch.setattr(sys, "argv", ["hpsearch"])
    monkeypatch.setenv("HPSEARCH_CONCURRENCY", "many")

    with pytest.raises(SystemExit) as ended:
        run_and_exit(command, "hpsearch", "HPSEARCH")

    assert ended.value.code == 2
    assert "'HPSEARCH_CONCURRENCY': 'many' is not" in capsys.readouterr().err
