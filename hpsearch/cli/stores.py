"""Opens the database that a command works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from hpsearch.mongod import ephemeral_mongod, private_mongod
from hpsearch.store.mongo.access import Patience, Renewal
from hpsearch.store.mongo.connection import give_up_after
from hpsearch.store.mongo.store import MongoStore

#: Seconds that a command tries to reach the database before it gives up.
PATIENCE_S = 5.0

#: Waits for a database as long as a person would.
patient = give_up_after(PATIENCE_S)


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
    patience: Patience = patient,
    on_contact: Callable[[], None] = lambda: None,
    renewal: Renewal | None = None,
) -> Iterator[OpenStore]:
    """Connect to a URI, or else to the private MongoDB, started if need be.

    Parameters
    ----------
    uri : str, optional
        The database; the private one when None.
    is_ephemeral : bool
        Use a private one that is thrown away afterwards.
    patience : callable
        Takes the seconds since the database went away, and says whether to go on trying.
    on_contact : callable
        Called whenever the database has answered.
    renewal : Renewal, optional
        How to outlast a refusal of the user; by default it raises at once.
    """
    with ExitStack() as stack:
        if uri is None:
            mongod = stack.enter_context(ephemeral_mongod() if is_ephemeral else private_mongod())
            uri = mongod.uri
        store = MongoStore.connect(uri, patience=patience, on_contact=on_contact, renewal=renewal)
        stack.callback(store.close)
        yield OpenStore(store, uri)
