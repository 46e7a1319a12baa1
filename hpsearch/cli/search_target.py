"""The target of ``run`` and ``coordinator``: a function or a command, with its search space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpsearch.errors import ConfigurationError

if TYPE_CHECKING:
    from hpsearch.core.experiment import ObjectiveRef
    from hpsearch.objective.command.template import Template
    from hpsearch.space.tree import Space

#: Samples with which the formats of a command are tried before the search begins.
_N_TRIED = 20


@dataclass(frozen=True, slots=True)
class Target:
    """What a search evaluates."""

    objective: ObjectiveRef
    space: Space
    exp_key: str  #: the name of its search, unless the user gives one


def load_target(words: tuple[str, ...], space_ref: str | None, config_template: str | None) -> Target:
    """Load the target of a command line on this machine.

    Parameters
    ----------
    words : tuple of str
        A function (``file.py[:name]`` or ``package.module[:name]``), or the words of a command.
    space_ref : str or None
        Reference of the space; by default that beside the function.
    config_template : str or None
        Path of the configuration file of a command.

    Raises
    ------
    UsageError
        If a command has no space, or a function a configuration file.
    LoadError
        If the function, the program or the space cannot be loaded.
    ConfigurationError
        If a hole of the command is misspelt, a format does not fit, or the file cannot be read.
    """
    from hpsearch.objective.loading import load, load_objective, parse_space, parse_target
    from hpsearch.objective.source_fingerprint import fingerprinted
    from hpsearch.runtime.user_code import preserve_process_state
    from hpsearch.space.tree import Space

    if _is_command(words):
        return _command(words, space_ref, config_template)
    if config_template is not None:
        raise click.UsageError("--config-template belongs to a command, such as -- python train.py {config}.")
    objective = parse_target(words[0])
    place = parse_space(objective, space_ref)
    with preserve_process_state():
        load_objective(objective)
        space = Space(load(place))
    return Target(fingerprinted(objective), space, _function_name(objective.identity))


def _is_command(words: Sequence[str]) -> bool:
    """Whether a target is a command: several words, or one that is neither a Python file nor a module."""
    place = words[0].partition(":")[0]
    return len(words) > 1 or not (
        place.endswith(".py") or all(part.isidentifier() for part in place.split("."))
    )


def _function_name(identity: str) -> str:
    """Return the name of the file or module, with that of the function unless it is ``objective``."""
    place, _, name = identity.partition(":")
    place = place.removesuffix(".py")
    return place if name == "objective" else f"{place}-{name}"


def _command(words: tuple[str, ...], space_ref: str | None, config_template: str | None) -> Target:
    import hashlib

    from hpsearch.core.experiment import COMMAND, ObjectiveRef
    from hpsearch.objective.command.run import check_program
    from hpsearch.objective.command.template import Template, check_holes, command_name, command_text
    from hpsearch.objective.loading import load, parse_space
    from hpsearch.runtime.user_code import preserve_process_state
    from hpsearch.space.tree import Space

    if space_ref is None:
        raise click.UsageError(
            f"{command_text(words)!r} is a command, which needs its search space: add --space space.toml. "
            "A function is file.py:name or package.module:name."
        )
    check_program(words[0])
    place = parse_space(None, space_ref)
    with preserve_process_state():
        space = Space(load(place))
    template, text = Template(words, space.labels), _text_of(config_template)
    template.check()
    check_holes(text or "", space.labels)
    example_commands(template, space, _N_TRIED, text)  # a format that does not fit raises
    digest = None if text is None else hashlib.sha256(text.encode()).hexdigest()
    objective = ObjectiveRef(
        kind=COMMAND, ref=command_text(words), command=words, config_template=text, digest=digest
    )
    return Target(objective, space, command_name(words))


def example_commands(
    template: Template, space: Space, n: int, config_template: str | None = None
) -> list[list[str]]:
    """Return the command lines of some random points.

    Parameters
    ----------
    template : Template
        The command.
    space : Space
        Its space.
    n : int
        Number of points.
    config_template : str, optional
        A configuration file to fill, too.
    """
    import numpy as np

    from hpsearch.objective.command.template import RESERVED, fill

    rng = np.random.default_rng(0)
    reserved = {name: 0 if name in {"tid", "attempt", "seed"} else f"/tmp/{name}" for name in RESERVED}  # noqa: S108 - an example
    commands = []
    for _ in range(n):
        values = {**space.params(space.sample(rng)), **reserved}
        fill(config_template or "", space.labels, values)
        commands.append(template.render(values))
    return commands


def _text_of(config_template: str | None) -> str | None:
    if config_template is None:
        return None
    try:
        return Path(config_template).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The file {config_template} cannot be read: {error}.") from error
