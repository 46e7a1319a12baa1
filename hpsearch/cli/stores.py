"""Opens the database that a command works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from hpsearch.mongod import ephemeral_mongod, private_mongod
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore

#: Seconds that a command tries to reach the database before it gives up.
PATIENCE_S = 5.0

#: Waits for a database as long as a person would.
PATIENCE = Patience(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and how others reach it."""

    store: MongoStore
    uri: str  #: with credentials: for environments of subprocesses only


@contextmanager
def open_store(
    uri: str | None,
    *,
    is_ephemeral: bool = False,
    patience: Patience = PATIENCE,
    on_contact: Callable[[], None] = lambda: None,
    read_uri: Callable[[], str] | None = None,
) -> Iterator[OpenStore]:
    """Connect to a URI, or else to the private MongoDB, started if need be.

    Parameters
    ----------
    uri : str, optional
        The database; the private one when None.
    is_ephemeral : bool
        Use a private one that is thrown away afterwards.
    patience : Patience
        How long to repeat a call while the database is away or refuses the user.
    on_contact : callable
        Called whenever the database has answered.
    read_uri : callable, optional
        Reads the URI again after a refusal, where a file holds it.
    """
    with ExitStack() as stack:
        if uri is None:
            mongod = stack.enter_context(ephemeral_mongod() if is_ephemeral else private_mongod())
            uri = mongod.uri
        store = MongoStore.connect(uri, patience=patience, on_contact=on_contact, read_uri=read_uri)
        stack.callback(store.close)
        yield OpenStore(store, uri)
