"""The documentation and the source as data, for the tests that compare them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from hpsearch.cli import cli

REPOSITORY = Path(__file__).parents[2]
REFERENCE = "\n".join(page.read_text() for page in sorted((REPOSITORY / "docs").glob("*.md")))
SOURCES = [*(REPOSITORY / "hpsearch").rglob("*.py"), *(REPOSITORY / "worker").rglob("*.py")]

#: Fields of every event of a trial.
OF_A_TRIAL = {"exp_key", "tid", "attempt"}


@dataclass(frozen=True)
class EventRow:
    """What the reference says of an event."""

    levels: frozenset[str]
    fields: frozenset[str]
    words: str


def section(title: str) -> str:
    """Return the text below the heading that has a title, alone or among others, down to the next heading."""
    parts = re.split(r"^#+ (.*)$", REFERENCE, flags=re.MULTILINE)
    found = [
        text for heading, text in zip(parts[1::2], parts[2::2], strict=True) if title in titles_of(heading)
    ]
    assert len(found) == 1, f"{len(found)} sections of docs/ are about {title}"
    return found[0]


def titles_of(heading: str) -> set[str]:
    return {*re.findall(r"`([^`]+)`", heading)} or {heading}


def commands(command: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its words."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from commands(child, (*path, name))


def shell_lines(page: Path) -> list[str]:
    """Return the lines of the shell blocks of a page, continued ones as one, without their comments."""
    text = page.read_text().replace("\\\n", "")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [re.split(r"\s+# ", line)[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def variable(path: str, option: click.Option) -> str:
    """Return the environment variable of an option."""
    derived = f"HPSEARCH_{path}_{option.name}".upper().translate({ord(" "): "_", ord("-"): "_"})
    return str(option.envvar) if option.envvar else derived


def event_rows() -> dict[str, EventRow]:
    """Return the rows of the table of log events, by name."""
    table = {}
    for line in section("Messages").splitlines():
        found = re.fullmatch(r"\| ([\w, ]+) \| `(\w+)` \|(.*?)\| (.*?) \| .* \|", line)
        if found is None:
            continue
        levels, name, fields, words = found.groups()
        named = frozenset(re.findall(r"`(\w+)`", fields))
        assert name not in table, f"{name} is described twice"
        table[name] = EventRow(
            frozenset(levels.split(", ")), named | (OF_A_TRIAL if "of a trial" in fields else set()), words
        )
    return table
