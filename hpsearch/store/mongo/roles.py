"""The roles of coordinators, workers and viewers, and which one a refused command needs.

MongoDB's rights are per collection: a user who may update one trial may update every trial of the
database, whatever its experiment. Each role has the fewest rights with which its part works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.store.mongo.schema import CHUNKS, EXPERIMENTS, FILES, TRIALS, WORKERS
from hpsearch.store.mongo.views import VIEWS

#: In place of a collection, for rights to the whole database.
WHOLE = ""

#: MongoDB's message with code 13 (Unauthorized); the rest of the text, such as documents, is ignored.
_REFUSAL = re.compile(r"not authorized on (\S+) to execute command \{ (\w+): (?:\"([^\"]*)\")?")

#: The action that each command on a collection requires; other commands are named after their action.
_ACTIONS = {
    "find": "find",
    "aggregate": "find",
    "count": "find",
    "distinct": "find",
    "insert": "insert",
    "update": "update",
    "findAndModify": "update",
    "delete": "remove",
    "collMod": "collMod",
    "create": "createCollection",
    "createIndexes": "createIndex",
    "listIndexes": "listIndexes",
}

#: Database, collection (or ``WHOLE``) and action.
Right = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role of MongoDB in the database of the searches; its user has the same name."""

    name: str  #: name in MongoDB
    rights: Mapping[str, tuple[str, ...]]  #: MongoDB's actions that its part needs, by collection


COORDINATOR = Role(
    name="hpsearch_coordinator",
    rights={
        # To check that the database is prepared.
        WHOLE: ("listCollections",),
        EXPERIMENTS: ("find", "insert", "update", "remove", "listIndexes"),
        TRIALS: ("find", "insert", "update", "remove", "listIndexes", "changeStream"),
        WORKERS: ("find", "listIndexes"),
        FILES: ("find", "insert", "update", "remove", "listIndexes"),
        CHUNKS: ("find", "insert", "remove", "listIndexes"),
    },
)

WORKER = Role(
    name="hpsearch_worker",
    rights={
        EXPERIMENTS: ("find",),
        TRIALS: ("find", "update"),
        WORKERS: ("find", "insert", "update"),
        # Replacing an attachment deletes the old one.
        FILES: ("find", "insert", "update", "remove"),
        CHUNKS: ("find", "insert", "remove"),
    },
)

VIEWER = Role(
    name="hpsearch_viewer",
    rights=dict.fromkeys((EXPERIMENTS, TRIALS, WORKERS, FILES, CHUNKS), ("find",)),
)

#: In order of increasing rights.
ROLES = (VIEWER, WORKER, COORDINATOR)


def privileges(role: Role, database: str) -> list[dict[str, Any]]:
    """Return the rights of a role in the form that ``createRole`` takes.

    Every role may also read the views, which show a person only what the role may read anyway.

    Parameters
    ----------
    role : Role
        The role.
    database : str
        Name of the database.
    """
    granted = {**role.rights, **dict.fromkeys(VIEWS, ("find",))}
    return [
        {"resource": {"db": database, "collection": collection}, "actions": list(actions)}
        for collection, actions in granted.items()
    ]


def missing_rights(role: Role, database: str, granted: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the rights of a role that a user lacks, each as "action on collection".

    Parameters
    ----------
    role : Role
        The role.
    database : str
        Name of the database.
    granted : iterable of mapping
        The user's privileges, as ``connectionStatus`` lists them.
    """
    privileges = list(granted)
    return tuple(
        f"{action} on {collection or 'the database'}"
        for collection, actions in role.rights.items()
        for action in actions
        if not grants(privileges, (database, collection, action))
    )


def grants(privileges: Iterable[Mapping[str, Any]], right: Right) -> bool:
    """Whether privileges include a right.

    Parameters
    ----------
    privileges : iterable of mapping
        As ``connectionStatus`` lists them.
    right : tuple of (str, str, str)
        Database, collection and action.
    """
    return any(_grants(privilege, right) for privilege in privileges)


def refused_right(text: str) -> Right | None:
    """Return the database, collection and action that MongoDB refused; None for another message."""
    found = _REFUSAL.search(text)
    if found is None:
        return None
    database, command, name = found.groups()
    collection = name if name and command in _ACTIONS else WHOLE
    return database, collection, _ACTIONS.get(command, command)


def refusal_advice(text: str) -> str | None:
    """Describe the right that MongoDB refused and the role that has it; None for another message."""
    refused = refused_right(text)
    if refused is None:
        return None
    database, collection, action = refused
    place = f"{collection} of the database {database}" if collection else f"the database {database}"
    role = next((role for role in ROLES if action in role.rights.get(collection, ())), None)
    if role is None:
        return (
            f"the action {action} on {place}, which only an administrator may: "
            "ask one to run `hpsearch db init`"
        )
    return (
        f"the action {action} on {place}, which needs the role {role.name}: "
        "connect as a user with that role (`hpsearch db init --users` creates one)"
    )


def _grants(privilege: Mapping[str, Any], right: Right) -> bool:
    """Whether a privilege includes a right; an empty name in its resource matches any name."""
    database, collection, action = right
    resource = privilege["resource"]
    if action not in privilege["actions"]:
        return False
    if resource.get("anyResource"):
        return True
    return resource.get("db") in {"", database} and resource.get("collection") in {"", collection}
