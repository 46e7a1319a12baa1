"""Who may do what to which collection: the roles as data; pure.

MongoDB's rights end at the collection: who may update one trial may update every trial of the
database, of whatever experiment. Each role holds the least with which its part works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.store.mongo.schema import CHUNKS, EXPERIMENTS, FILES, TRIALS, WORKERS

#: The rights to a database as a whole stand under no collection.
WHOLE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role of MongoDB in the database of the searches; its user has the same name."""

    name: str  #: as MongoDB knows it
    rights: Mapping[str, tuple[str, ...]]  #: actions in MongoDB's words, by collection


COORDINATOR = Role(
    name="hpsearch_coordinator",
    rights={
        # To see that everything is prepared.
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
        # An attachment that replaces another deletes it.
        FILES: ("find", "insert", "update", "remove"),
        CHUNKS: ("find", "insert", "remove"),
    },
)

VIEWER = Role(
    name="hpsearch_viewer",
    rights=dict.fromkeys((EXPERIMENTS, TRIALS, WORKERS, FILES, CHUNKS), ("find",)),
)

#: From the least to the most powerful.
ROLES = (VIEWER, WORKER, COORDINATOR)


def privileges(role: Role, database: str) -> list[dict[str, Any]]:
    """Return the rights of a role as ``createRole`` takes them."""
    return [
        {"resource": {"db": database, "collection": collection}, "actions": list(actions)}
        for collection, actions in role.rights.items()
    ]


def missing_rights(role: Role, database: str, granted: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what a user lacks to work as a role, as "action on collection".

    Parameters
    ----------
    role : Role
        The part to play.
    database : str
        Of the searches.
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


def _grants(privilege: Mapping[str, Any], action: str, database: str, collection: str) -> bool:
    """Whether a privilege holds an action; an empty name in a resource stands for all of its kind."""
    resource = privilege["resource"]
    if action not in privilege["actions"]:
        return False
    if resource.get("anyResource"):
        return True
    return resource.get("db") in {"", database} and resource.get("collection") in {"", collection}


def grants(privileges: Iterable[Mapping[str, Any]], right: tuple[str, str, str]) -> bool:
    """Whether privileges, as ``connectionStatus`` lists them, hold a right: database, collection, action."""
    database, collection, action = right
    return any(_grants(privilege, action, database, collection) for privilege in privileges)


def role_for(action: str, collection: str) -> Role | None:
    """Return the least powerful role with a right; None where only an administrator has it."""
    return next((role for role in ROLES if action in role.rights.get(collection, ())), None)
