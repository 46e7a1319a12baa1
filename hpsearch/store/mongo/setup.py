"""Setting up a database as its administrator: collections, roles and users."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pymongo.database import Database

from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import missing_parts, prepare
from hpsearch.store.mongo.roles import Role, privileges
from hpsearch.store.mongo.uri import uri_for_user

#: Random bytes in a password.
_PASSWORD_BYTES = 24


class Setup:
    """The steps of ``hpsearch db init`` for one database; each may be repeated.

    Parameters
    ----------
    uri : str
        A MongoDB URI of an administrator.
    patience : Patience
        How long to repeat a call while MongoDB is away.

    Raises
    ------
    ConfigurationError, StorePermissionError, StoreUnavailableError
        As ``MongoStore.connect`` does; all methods raise ``StorePermissionError`` if the
        user is not an administrator.
    """

    def __init__(self, uri: str, patience: Patience) -> None:
        self._uri = uri
        self._connection = Connection(uri, patience)
        self._call = self._connection.call
        self._database: Database[Document] = self._connection.client.get_default_database(DATABASE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def name(self) -> str:
        """Name of the database."""
        return self._database.name

    def prepare(self, name: str) -> list[str]:
        """Create a view, or what a collection lacks; return descriptions of it."""
        missing = self._call(missing_parts, self._database, name)
        self._call(prepare, self._database, name)
        return missing

    def define(self, role: Role) -> str:
        """Create a role or correct its rights; return "created", "updated" or "there"."""
        wanted = privileges(role, self.name)
        answer = self._command("rolesInfo", role.name, showPrivileges=True)
        found = next(iter(answer["roles"]), None)
        if found is None:
            self._call(self._define_once, "createRole", role.name, privileges=wanted, roles=[])
            return "created"
        if _rights(found["privileges"]) == _rights(wanted) and not found["roles"]:
            return "there"
        self._command("updateRole", role.name, privileges=wanted, roles=[])
        return "updated"

    def has_user(self, role: Role) -> bool:
        """Whether the user of a role exists."""
        return bool(self._command("usersInfo", role.name)["users"])

    def set_user(self, role: Role) -> str:
        """Create the user of a role or change the password; return the URI, which is not stored."""
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        self._call(self._set_user, role, password)
        return uri_for_user(self._uri, self.name, role.name, password)

    def restrict_user(self, role: Role) -> None:
        """Give an existing user its own role and no other; the password stays."""
        self._command("updateUser", role.name, roles=[role.name])

    def _set_user(self, role: Role, password: str) -> None:
        # In one call, so that repeating it after a lost answer only sets the password again.
        users = self._database.command("usersInfo", role.name)["users"]
        self._database.command(
            "updateUser" if users else "createUser", role.name, pwd=password, roles=[role.name]
        )

    def _define_once(self, command: str, name: str, **fields: Any) -> None:
        if not self._database.command("rolesInfo", name)["roles"]:  # otherwise an earlier call created it
            self._database.command(command, name, **fields)

    def _command(self, command: str, name: str, **fields: Any) -> dict[str, Any]:
        return self._call(lambda: self._database.command(command, name, **fields))


def _rights(listed: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, frozenset[str]]]:
    return {
        (one["resource"].get("db", ""), one["resource"].get("collection", ""), frozenset(one["actions"]))
        for one in listed
    }
