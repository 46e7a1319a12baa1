"""The help of a command."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from hpsearch.cli import cli
from hpsearch.cli.similar_names import did_you_mean
from tests.support.documentation import commands

EVERY_COMMAND = dict(commands())


def help_of(path: str) -> str:
    return CliRunner().invoke(cli, [*path.split(), "--help"]).output


@pytest.mark.parametrize("path", ["trials", "worker", "run", "db backup", "workers"])
def test_the_options_of_a_command_come_before_those_of_all_commands(path: str) -> None:
    own, _, common = help_of(path).partition("\nCommon options:\n")
    assert "--store URI" in common
    assert "--store" not in own.partition("\nOptions:\n")[2]
    names = [o.opts[0] for o in EVERY_COMMAND[path].params if isinstance(o, click.Option) and not o.hidden]
    assert all(name in own or name in common for name in names)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("statu", " Did you mean 'status'?"),
        ("Status", " Did you mean 'status'?"),
        ("trial", " Did you mean 'trials'?"),
        ("plot", ""),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_a_name_is_suggested_only_if_it_is_close(name: str, hint: str) -> None:
    assert did_you_mean(name, ["status", "trials", "import-hyperopt", "show", "stop"]) == hint


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_the_shell(shell: str) -> None:
    script = CliRunner().invoke(cli, ["completion", shell], prog_name="hpsearch").output
    assert "_HPSEARCH_COMPLETE" in script
    assert "hpsearch" in script


def test_commands_are_completed_without_importing_them() -> None:
    code = "import atexit, sys; from hpsearch.cli import main; sys.argv = ['hpsearch']; "
    code += "heavy = {'numpy', 'bson'}; atexit.register(lambda: print(heavy & set(sys.modules))); main()"
    shell = {"_HPSEARCH_COMPLETE": "bash_complete", "COMP_WORDS": "hpsearch sta", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **shell}, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["plain,status", "set()"]


def test_arguments_without_a_text_are_not_listed_as_options() -> None:
    assert "\n  EXP_KEY" not in help_of("note")
