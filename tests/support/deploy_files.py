"""The commands that deployment files start, read by the real command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hpsearch.cli import cli

DEPLOY = Path(__file__).parents[2] / "scripts" / "deploy"


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """Return the options of ``hpsearch WORDS``, taken from the environment, too; a wrong one raises."""
    root = click.Context(cli, info_name="hpsearch", auto_envvar_prefix="HPSEARCH")
    command = cli.get_command(root, words[0])
    assert command is not None, f"there is no command {words[0]}"
    return command.make_context(words[0], list(words[1:]), parent=root).params


def interpolated(text: str, **environment: str) -> str:
    """Replace ``${NAME:-default}`` and ``${NAME:?message}`` as Compose does; ``$$`` stays as it is."""

    def value(match: re.Match[str]) -> str:
        name, operator, argument = match.groups()
        if environment.get(name):
            return environment[name]
        assert operator == ":-", f"{name} is required: {argument}"
        return str(argument)

    return re.sub(r"(?<!\$)\$\{(\w+)(:-|:\?)([^}]*)\}", value, text)


def variables(text: str) -> dict[str, str]:
    """Return what a file of NAME=value lines sets, commented-out examples included."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, flags=re.MULTILINE))
