"""``hpsearch space``: print or draw a search space without running a search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Group
from hpsearch.cli.options import AtLeast, debug_option, option
from hpsearch.cli.plot import checked_suffix
from hpsearch.errors import SpaceError

if TYPE_CHECKING:
    from hpsearch.space.tree import Space, Values

#: Largest number of samples; more do not change the picture.
_MAX_SAMPLES = 100_000

_space_option = option(
    "--space", metavar="REF", help="The search space [default: `space` beside the objective]."
)
_seed_option = option("--seed", type=AtLeast(0), default=0, help="Seed of the samples.")


@click.group("space", cls=Group)
def space_group() -> None:
    """Show a search space as text or as a picture."""


@space_group.command()
@click.argument("target")
@click.argument("command", nargs=-1)
@_space_option
@option("--samples", type=AtLeast(0), default=5, help="Number of samples.")
@_seed_option
@debug_option()
def show(target: str, command: tuple[str, ...], space: str | None, samples: int, seed: int) -> None:
    """Print the tree of the space with distributions and ranges, and some samples.

    TARGET is file.py[:name] or package.module[:name], as for `hpsearch run`, or file.toml or
    file.json with a space. With -- COMMAND, also print the command of a sample.
    """
    from hpsearch.cli.search_target import example_commands
    from hpsearch.objective.command.template import Template, command_text
    from hpsearch.report.space_text import describe_space

    shown = _loaded(target, space)
    click.echo(describe_space(shown, _samples(shown, samples, seed)))
    if command:
        template = Template(command, shown.labels)
        template.check()
        click.echo(f"\ncommand\n  {command_text(example_commands(template, shown, 1)[0])}")


@space_group.command()
@click.argument("target")
@_space_option
@option("--samples", type=click.IntRange(1, _MAX_SAMPLES), default=5000, help="Number of samples.")
@_seed_option
@option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=checked_suffix,
    default="space.png",
    help="File to write: .png, .svg or .pdf.",
)
@debug_option()
def plot(target: str, space: str | None, samples: int, seed: int, output: Path) -> None:
    """Draw a histogram of samples for each parameter (needs the extra `plot`).

    A log parameter has two, over the logarithm and by value. A parameter that only some options
    need is drawn from the samples in which it is active.

    TARGET is file.py[:name] or package.module[:name], as for `hpsearch run`, or file.toml or
    file.json with a space.
    """
    # Only this command waits for these slow imports.
    from hpsearch.report.matplotlib.save import save_figure
    from hpsearch.report.space_histograms import space_panels
    from hpsearch.report.space_plot import draw_panels

    drawn = _loaded(target, space)
    if not drawn.parameters:
        raise SpaceError(f"The space of {target} has no parameters to draw.")
    panels = space_panels(drawn, _samples(drawn, samples, seed))
    save_figure(draw_panels(panels, f"{samples:,} samples of {target}"), output)
    click.echo(f"Wrote {output}.")


def _loaded(target: str, space_ref: str | None) -> Space:
    """Load a space in the same way as `hpsearch run`."""
    from hpsearch.objective.loading import load, parse_space, parse_target
    from hpsearch.objective.space_table import SUFFIXES
    from hpsearch.runtime.user_code import preserve_process_state
    from hpsearch.space.tree import Space

    is_table = Path(target).suffix in SUFFIXES
    space = parse_space(None, target) if is_table else parse_space(parse_target(target), space_ref)
    with preserve_process_state():
        return Space(load(space))


def _samples(space: Space, n_samples: int, seed: int) -> list[Values]:
    """Draw points from a space."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(n_samples)]
