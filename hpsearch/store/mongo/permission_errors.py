"""What MongoDB refused a user, from its words to ours; pure."""

from __future__ import annotations

import re

from hpsearch.store.mongo.roles import WHOLE, role_for

_REFUSAL = re.compile(r"not authorized on (\S+) to execute command \{ (\w+): (?:\"([^\"]*)\")?")

#: The right that each command takes; others are called by their own names.
_ACTIONS = {
    "aggregate": "find",
    "count": "find",
    "distinct": "find",
    "delete": "remove",
    "findAndModify": "update",
    "createIndexes": "createIndex",
    "create": "createCollection",
    "drop": "dropCollection",
}

#: Commands that name something else than a collection.
_NOT_ON_COLLECTIONS = re.compile(
    r"(create|update|drop|grant|revoke)\w*(User|Role|Database)\w*|(users|roles)Info"
)


def refused_action(text: str) -> tuple[str, str, str] | None:
    """Return the database, the collection and the action that a user was refused; None for another text.

    Parameters
    ----------
    text : str
        MongoDB's message with code 13.
    """
    found = _REFUSAL.search(text)
    if found is None:
        return None
    database, command, collection = found[1], found[2], found[3] or WHOLE
    if _NOT_ON_COLLECTIONS.fullmatch(command):
        collection = WHOLE
    return database, collection, _ACTIONS.get(command, command)


def refused_right(text: str) -> str | None:
    """Return which right a user lacks, and who has it; None if the text is no such refusal.

    What else the text holds, such as the documents of the command, is left out.

    Parameters
    ----------
    text : str
        MongoDB's message with code 13.
    """
    refused = refused_action(text)
    if refused is None:
        return None
    database, collection, action = refused
    place = f"{collection} of the database {database}" if collection else f"the database {database}"
    role = role_for(action, collection)
    if role is None:
        return (
            f"the action {action} on {place}, which takes an administrator: "
            "let one run `hpsearch db init` there"
        )
    return (
        f"the action {action} on {place}, which takes the role {role.name}: "
        "connect as a user who has it (`hpsearch db init --users` makes one)"
    )
