"""``hpsearch db init``: an administrator prepares a database for users who may not create collections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import PATIENCE
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.errors import ConfigurationError

if TYPE_CHECKING:
    from hpsearch.store.mongo.setup import Setup

#: Takes the URI of a user, with the password.
Deliver = Callable[[str], None]


@click.command(cls=Command)
@store_option(required=True)
@option("--users", is_flag=True, help="Also create roles and users for coordinators, workers and viewers.")
@option(
    "--users-file",
    type=click.Path(dir_okay=False),
    help="New file for the users' URIs, readable only by you.",
)
@option("--rotate", is_flag=True, help="Give existing users new passwords.")
@debug_option()
def init(store: str, users: bool, users_file: str | None, rotate: bool) -> None:
    """Prepare a database as its administrator.

    Creates missing collections, indexes, validators and views. With --users, also creates the roles
    hpsearch_coordinator, hpsearch_worker and hpsearch_viewer and a user of the same name for
    each, and prints their URIs with the passwords once.
    """
    from hpsearch.store.mongo.preparation import COLLECTIONS_AND_VIEWS
    from hpsearch.store.mongo.roles import ROLES
    from hpsearch.store.mongo.setup import Setup

    if not users and (rotate or users_file):
        raise click.UsageError("--rotate and --users-file need --users.")
    with Setup(store, PATIENCE) as setup:
        for name in COLLECTIONS_AND_VIEWS:
            missing = setup.prepare(name)
            _print(f"created {', '.join(missing)}" if missing else f"{name} exists")
        if users:
            for role in ROLES:
                outcome = setup.define(role)
                _print(f"role {role.name} exists" if outcome == "there" else f"{outcome} role {role.name}")
            with _delivery(users_file) as deliver:
                _create_users(setup, deliver, rotate=rotate)


def _create_users(setup: Setup, deliver: Deliver, *, rotate: bool) -> None:
    from hpsearch.store.mongo.roles import ROLES

    for role in ROLES:
        exists = setup.has_user(role)
        if exists and not rotate:
            setup.restrict_user(role)
            _print(f"user {role.name} exists and keeps the password; --rotate sets a new one")
            continue
        # Print each URI immediately, so that a failure for the next user does not lose it.
        deliver(setup.set_user(role))
        _print(f"{'new password for' if exists else 'created'} user {role.name}")


@contextmanager
def _delivery(path: str | None) -> Iterator[Deliver]:
    """Open the output for the URIs before any password is set: stdout, or a new private file."""
    if path is None:
        yield click.echo
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} for the users' URIs cannot be created: {error.strerror}; name a new file."
        ) from error
    with os.fdopen(descriptor, "w", buffering=1) as file:
        yield lambda uri: click.echo(uri, file=file)


def _print(text: str) -> None:
    click.echo(text, err=True)
