"""``hpsearch man``: the manual page, made from the help of all commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import debug_option


@click.command(cls=Command)
@debug_option()
def man() -> None:
    """Print the manual page of hpsearch, with all commands and options.

    Read it with: hpsearch man | man -l -, or install it as man1/hpsearch.1 in a folder of MANPATH.
    """
    root = click.get_current_context().find_root()
    click.echo("\n".join(_page(root.command, root)))


def _page(command: click.Command, context: click.Context) -> Iterator[str]:
    from importlib.metadata import version

    summary, *rest = _paragraphs(command)
    yield f'.TH HPSEARCH 1 "" "hpsearch {version("hpsearch")}" "User commands"'
    yield from (".SH NAME", rf"hpsearch \- {_text(summary[:1].lower() + summary[1:].rstrip('.'))}")
    yield from (".SH SYNOPSIS", ".B hpsearch", _text("COMMAND [OPTIONS] [ARGUMENTS]"))
    yield ".SH DESCRIPTION"
    for paragraph in rest:
        yield from (".PP", _text(paragraph))
    yield ".SH COMMANDS"
    for path, one, its in _commands(command, context, ()):
        yield from (f'.SS "{_text(" ".join(path))}"', ".B", _text(one.get_usage(its).removeprefix("Usage: ")))
        for paragraph in _paragraphs(one):
            yield from (".PP", _text(paragraph))
        for names, text in _options(one, its):
            yield from (".TP", rf"\fB{_text(names)}\fR", _text(text))
    yield ".SH FILES"
    yield from (".TP", _text("~/.local/share/hpsearch"), "The private MongoDB and the logs of local workers.")


def _commands(
    command: click.Command, context: click.Context, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command, click.Context]]:
    """Yield the path, the command and the context of every command that is no group."""
    if not isinstance(command, click.Group):
        yield path, command, context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None and not below.hidden:
            inner = click.Context(below, info_name=name, parent=context)
            yield from _commands(below, inner, (*path, name))


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            yield record


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(part.split()) for part in (command.help or "").split("\n\n")]


def _text(text: str) -> str:
    """Return a text on one line, without what troff would take for a request or an escape."""
    line = re.sub(r"[\s\b]+", " ", text).strip().replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{line}" if line.startswith((".", "'")) else line
