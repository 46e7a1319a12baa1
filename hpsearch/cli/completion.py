"""``hpsearch completion``: completion of commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import debug_option

#: The variable with which a shell asks for completions.
_VARIABLE = "_HPSEARCH_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@debug_option()
def completion(shell: str) -> None:
    """Print the script that completes hpsearch's commands and options in a shell.

    For bash, add this line to ~/.bashrc: eval "$(hpsearch completion bash)"
    """
    script = get_completion_class(shell)
    assert script is not None  # click knows these shells
    root = click.get_current_context().find_root()
    click.echo(script(root.command, {}, "hpsearch", _VARIABLE).source())
