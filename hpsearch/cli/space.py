"""``hpsearch space show``: a search space as a tree, before anything is run."""

from __future__ import annotations

import click
import numpy as np

from hpsearch.command import AtLeast, debug_option, option
from hpsearch.objective import load_space, parse_target
from hpsearch.report.space_text import describe_space
from hpsearch.space.tree import Space


@click.group("space")
def space_group() -> None:
    """Look at a search space."""


@space_group.command()
@click.argument("target")
@option("--space", metavar="REF", help="The search space [default: `space` beside the objective].")
@option("--samples", type=AtLeast(0), default=5, help="Points to draw from it.")
@option("--seed", type=AtLeast(0), default=0, help="Seed of the draws.")
@debug_option()
def show(target: str, space: str | None, samples: int, seed: int) -> None:
    """Print the tree with its distributions and ranges, and some samples.

    TARGET is file.py[:name] or package.module[:name], as for `hpsearch run`.
    """
    shown = Space(load_space(parse_target(target), space))
    rng = np.random.default_rng(seed)
    click.echo(describe_space(shown, [shown.sample(rng) for _ in range(samples)]))
