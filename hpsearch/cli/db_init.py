"""``hpsearch db init``: a database set up by its administrator, for users who may create nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.cli.stores import PATIENCE
from hpsearch.errors import ConfigurationError
from hpsearch.store.mongo.roles import ROLES
from hpsearch.store.mongo.schema import VALIDATORS
from hpsearch.store.mongo.setup import Setup

#: Takes the URI of a user, with the password.
Deliver = Callable[[str], None]


@click.command()
@store_option(required=True)
@option("--users", is_flag=True, help="Also make roles and users for coordinators, workers and viewers.")
@option("--users-file", type=click.Path(dir_okay=False), help="New file, yours alone, for the users' URIs.")
@option("--rotate", is_flag=True, help="Give users who are there new passwords.")
@debug_option()
def init(store: str, users: bool, users_file: str | None, rotate: bool) -> None:
    """Set a database up as its administrator.

    Creates collections, indexes and validators where they are missing. With --users, also the
    roles hpsearch_coordinator, hpsearch_worker and hpsearch_viewer and a user of the same name
    for each, whose URIs with their passwords are printed once.
    """
    if not users and (rotate or users_file):
        raise click.UsageError("--rotate and --users-file go with --users.")
    with Setup(store, PATIENCE) as setup:
        _make_collections(setup)
        if users:
            _make_roles(setup)
            with _delivery(users_file) as deliver:
                _make_users(setup, deliver, rotate=rotate)


def _make_collections(setup: Setup) -> None:
    for collection in VALIDATORS:
        missing = setup.prepare(collection)
        _tell(f"created {', '.join(missing)}" if missing else f"collection {collection} is there")


def _make_roles(setup: Setup) -> None:
    for role in ROLES:
        outcome = setup.define(role)
        _tell(f"role {role.name} is there" if outcome == "there" else f"{outcome} role {role.name}")


def _make_users(setup: Setup, deliver: Deliver, *, rotate: bool) -> None:
    for role in ROLES:
        is_there = setup.has_user(role)
        if is_there and not rotate:
            setup.restrict_user(role)
            _tell(f"user {role.name} is there, its password unchanged; --rotate makes a new one")
            continue
        # At once: a password that was set and not told would be lost.
        deliver(setup.set_user(role))
        _tell(f"{'new password for' if is_there else 'created'} user {role.name}")


@contextmanager
def _delivery(path: str | None) -> Iterator[Deliver]:
    """Open what takes the URIs, before any password is set: stdout, or a new file of the owner's."""
    if path is None:
        yield click.echo
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} for the users' URIs cannot be made: {error.strerror}; name a new one."
        ) from error
    with os.fdopen(descriptor, "w", buffering=1) as file:
        yield lambda uri: click.echo(uri, file=file)


def _tell(text: str) -> None:
    click.echo(text, err=True)
