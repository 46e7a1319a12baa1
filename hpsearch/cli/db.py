"""``hpsearch db``: the private MongoDB of this machine, and commands for a database as a whole."""

from __future__ import annotations

import click

from hpsearch.cli.db_backup import backup, restore
from hpsearch.cli.db_init import init
from hpsearch.cli.doctor import check
from hpsearch.cli.help_pages import Group
from hpsearch.cli.options import debug_option


@click.group(cls=Group)
def db() -> None:
    """Prepare and check databases, back up and restore searches; start and stop the private MongoDB."""


for member in (init, check, backup, restore):
    db.add_command(member)


@db.command()
@debug_option()
def start() -> None:
    """Start the private MongoDB if it is not running, and print its URI.

    It runs until `hpsearch db stop`. The URI contains a password: pass it on in HPSEARCH_STORE.
    """
    from hpsearch import mongod

    click.echo(mongod.start_pinned())


@db.command()
@debug_option()
def stop() -> None:
    """Stop the private MongoDB, or let it stop when the last search on it ends."""
    from hpsearch import mongod

    if mongod.status().uri is None:
        text = "not running"
    elif mongod.stop():
        text = "stopped"
    else:
        text = "in use: it stops when the last search on it ends"
    click.echo(text, err=True)


@db.command()
@debug_option()
def status() -> None:
    """Show whether the private MongoDB is running, its data folder, and how to connect to it."""
    from hpsearch import mongod

    found = mongod.status()
    usage = "pinned" if found.is_pinned else "in use" if found.has_users else "not in use"
    click.echo(f"running, pid {found.pid}, {usage}" if found.uri else "not running")
    click.echo(f"folder {found.directory}")
    click.echo(f'connect with: {mongod.find_mongosh() or "mongosh"} "$(hpsearch db start)"')
