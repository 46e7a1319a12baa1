"""Opens the database of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.store.mongo.patience import Patience

if TYPE_CHECKING:
    from hpsearch.store.mongo.store import MongoStore

#: Seconds for which a command tries to reach the database.
PATIENCE_S = 5.0

#: Waits for a database as long as a person would.
PATIENCE = Patience(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and its URI."""

    store: MongoStore
    uri: str  #: with the password; only for the environment of subprocesses


@contextmanager
def open_store(
    uri: str | None,
    *,
    is_ephemeral: bool = False,
    patience: Patience = PATIENCE,
    on_contact: Callable[[], None] = lambda: None,
    read_uri: Callable[[], str] | None = None,
) -> Iterator[OpenStore]:
    """Connect to a URI, or to the private MongoDB, which is started if necessary.

    Parameters
    ----------
    uri : str, optional
        The database; the private MongoDB if None.
    is_ephemeral : bool
        Use a new private MongoDB, and throw it away afterwards.
    patience : Patience
        How long to retry a call while the database is away or refuses the user.
    on_contact : callable
        Called after every answer of the database.
    read_uri : callable, optional
        Reads the URI again after a refusal, where a file holds it.
    """
    from hpsearch.mongod import ephemeral_mongod, private_mongod
    from hpsearch.store.mongo.store import MongoStore

    with ExitStack() as stack:
        if uri is None:
            mongod = stack.enter_context(ephemeral_mongod() if is_ephemeral else private_mongod())
            uri = mongod.uri
        store = MongoStore.connect(uri, patience=patience, on_contact=on_contact, read_uri=read_uri)
        stack.callback(store.close)
        yield OpenStore(store, uri)
