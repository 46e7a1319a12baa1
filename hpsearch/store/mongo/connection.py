"""The connection to MongoDB: its settings, and the repetition of calls during an outage."""

from __future__ import annotations

import logging
import random
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from pymongo import MongoClient
from pymongo.errors import InvalidOperation, PyMongoError

from hpsearch.errors import (
    ConfigurationError,
    HpsearchError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
)
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.stats import Contact
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo.errors import DRIVER_ERRORS, cause, meaning, translated
from hpsearch.store.mongo.lost_access import Access, has_lost_user, read_again
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.tls import advice, check_files, refusal
from hpsearch.store.mongo.uri import hosts_in, is_mistyped, may_hold_password, misspelt_option

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Name of the database if neither the caller nor the URI has one.
DATABASE = "hpsearch"

#: Options of the driver unless the URI has others. No call hangs: a server that does not answer
#: is given up after ``socketTimeoutMS``. (With ``timeoutMS`` the driver itself would repeat a call
#: all that time and could not be interrupted.) Acknowledged means on disk on a majority of the
#: members; only this was measured to lose nothing under kill -9.
DEFAULTS: Mapping[str, Any] = {
    "appname": "hpsearch",
    "connectTimeoutMS": 3_000,
    "serverSelectionTimeoutMS": 2_000,
    "heartbeatFrequencyMS": 2_000,
    "socketTimeoutMS": 8_000,
    "waitQueueTimeoutMS": 8_000,
    "retryWrites": True,
    "w": "majority",
    "journal": True,
}

_NO_HOSTS = "an unnamed host"

_SCHEMES = ("mongodb://", "mongodb+srv://")
_OLDEST = (5, 0)

#: Seconds between two attempts at a call: at first and at most; the pause doubles each time.
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.05, 1.0

#: At most while the user is refused: each attempt makes the server check a password.
_LONGEST_REFUSED_BACKOFF_S = 5.0


class Connection:
    """A client of one MongoDB that repeats calls during an outage.

    Parameters
    ----------
    uri : str
        A MongoDB URI; its options override ``DEFAULTS``.
    patience : Patience
        How long to repeat a call while MongoDB is away or refuses what it allowed at first.
    on_contact : callable
        Called after each answer of MongoDB, in the thread that waited for it.
    read_uri : callable, optional
        Reads the URI again after a refusal, where a file holds it.

    Raises
    ------
    ConfigurationError
        If the URI is not valid or names a file that cannot be used, if the server's certificate
        is refused, or if the server is older than MongoDB 5.0.
    StorePermissionError
        If the server refuses the user.
    StoreUnavailableError
        If the server does not answer within the patience.
    """

    def __init__(
        self,
        uri: str,
        patience: Patience,
        on_contact: Callable[[], None] = lambda: None,
        read_uri: Callable[[], str] | None = None,
    ) -> None:
        self.hosts = hosts_of(uri)  #: for messages
        self._uri = uri
        self._patience = patience
        self._on_contact = on_contact
        self._read_uri = read_uri
        self._access: Access | None = None
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._contact_at = time.monotonic()  # when MongoDB last answered
        self._has_answered = False
        self._n_reconnects = 0
        self.client = client_of(uri)
        try:
            hello = self.call(self.client.admin.command, "hello")
            check_version(self.call(self.client.admin.command, "buildInfo"), self.hosts)
            if patience.refused_s is not None:
                status = self.call(self.client.admin.command, "connectionStatus", showPrivileges=True)
                self._access = Access(self.hosts, status["authInfo"]["authenticatedUserPrivileges"])
        except HpsearchError:
            self.client.close()
            raise
        #: Without a replica set: no retryable writes, no change streams.
        self.is_standalone = "setName" not in hello and hello.get("msg") != "isdbgrid"

    def call(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of an action; repeat it during an outage, within the patience.

        Parameters
        ----------
        action : callable
            Calls the driver. Must be idempotent: it may have taken effect although it raised.
        *args, **kwargs
            Passed to the action.

        Raises
        ------
        StoreUnavailableError
            If the patience ended.
        StoreError
            Or a subclass, if MongoDB refused or failed.
        """
        n_failures, refused_at = 0, None
        try:
            while True:
                started_at, client = time.monotonic(), self.client
                try:
                    result = action(*args, **kwargs)
                except DRIVER_ERRORS as error:
                    if isinstance(error, InvalidOperation):
                        if client is not self.client:
                            continue  # another thread replaced the client
                        raise StoreError("The connection to MongoDB is closed or misused.") from error
                    if meaning(error) is StorePermissionError:
                        refused_at = self._wait_for_access(error, client, started_at, refused_at)
                        longest_s = _LONGEST_REFUSED_BACKOFF_S
                    else:
                        self._wait_for_server(error, started_at)
                        longest_s = _LONGEST_BACKOFF_S
                else:
                    self._note_contact()
                    self._note_end(refused_at, is_success=True)
                    return result
                longest_s = min(longest_s, _FIRST_BACKOFF_S * 2.0**n_failures)
                # Jitter, so that a fleet does not reconnect all at once.
                time.sleep(longest_s * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
                n_failures += 1
        except HpsearchError:
            self._note_end(refused_at, is_success=False)
            raise

    def contact(self) -> Contact:
        """Return the state of the contact with MongoDB."""
        return Contact(
            age_s=time.monotonic() - self._contact_at,
            n_reconnects=self._n_reconnects,
            refused_s=None if self._access is None else self._access.refused_s(),
        )

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    def _wait_for_server(self, error: Exception, started_at: float) -> None:
        """Return if a failed call should be repeated; raise if not."""
        if meaning(error) is not StoreUnavailableError:
            raise translated(error, self.hosts) from error
        self._check_certificate(error)
        if not self._patience.while_away(self._seconds_away(started_at, error)):
            raise self._unavailable(error) from error

    def _wait_for_access(
        self, error: Exception, client: MongoClient[Document], started_at: float, refused_at: float | None
    ) -> float:
        """Return since when a call has been refused if it should be repeated; raise if not."""
        access = self._access
        if access is None or not access.is_lost(error):
            raise translated(error, self.hosts) from error
        access.note_refusal(error, is_first=refused_at is None)
        since = started_at if refused_at is None else refused_at
        is_useless = client is self.client and has_lost_user(error)
        seconds_refused = time.monotonic() - since
        if not self._renew_client(is_useless) and not self._patience.while_refused(seconds_refused):
            access.note_end(was_refused=refused_at is None, is_success=False)
            raise translated(error, self.hosts) from error
        return since

    def _note_end(self, refused_at: float | None, *, is_success: bool) -> None:
        if self._access is not None:
            self._access.note_end(was_refused=refused_at is not None, is_success=is_success)

    def _renew_client(self, is_useless: bool) -> bool:
        """Make a new client with the current URI of the store file; return whether it was made.

        If the URI is unchanged, a new client is made only if the current one is useless.
        """
        uri = read_again(self._read_uri) or self._uri
        with self._lock:
            if uri == self._uri and not is_useless:
                return False
            try:
                client = client_of(uri)
            except ConfigurationError as error:
                log.debug("cannot use the store file: %s", error, extra=Event.STORE_FILE_UNREAD.of())
                return False
            old, self.client, self._uri = self.client, client, uri
            self.hosts = hosts_of(uri)
        old.close()
        return True

    def _check_certificate(self, error: Exception) -> None:
        """Raise if a new connection does not accept the server's certificate, as waiting will not help.

        A running process waits: a certificate that expires during a search is renewed.
        """
        why = None if self._has_answered else refusal(cause(error), self.hosts)
        if why is not None:
            raise ConfigurationError(why) from error

    def _unavailable(self, error: Exception) -> HpsearchError:
        hint = None if self._has_answered else advice(cause(error), self._uri)
        ours = translated(error, self.hosts)
        return ours if hint is None else StoreUnavailableError(f"{str(ours).removesuffix('.')}; {hint}.")

    def _seconds_away(self, started_at: float, error: Exception) -> float:
        """Return the seconds since MongoDB went away; log it if it has just done so."""
        with self._lock:
            is_new = self._away_since is None
            since = self._away_since = started_at if self._away_since is None else self._away_since
        if is_new:
            log.warning(
                "MongoDB at %s is away: %s",
                self.hosts,
                cause(error),
                extra=Event.DATABASE_AWAY.of(hosts=self.hosts),
            )
        return time.monotonic() - since

    def _note_contact(self) -> None:
        self._contact_at = time.monotonic()
        self._has_answered = True
        self._on_contact()
        if self._away_since is None:  # the common case needs no lock
            return
        with self._lock:
            since, self._away_since = self._away_since, None
            self._n_reconnects += since is not None
        if since is not None:
            away_s = time.monotonic() - since
            log.warning(
                "MongoDB at %s is back after %.1f s",
                self.hosts,
                away_s,
                extra=Event.DATABASE_BACK.of(hosts=self.hosts, away_s=away_s),
            )


def hosts_of(uri: str) -> str:
    """Return the hosts of a URI for messages, never any part of the credentials."""
    return hosts_in(uri) or _NO_HOSTS


def settings_for(uri: str) -> dict[str, Any]:
    """Return the default options that a URI does not set; for the driver they would override it."""
    options = uri.partition("?")[2].replace(";", "&").split("&")
    named = {option.partition("=")[0].lower() for option in options}
    if "j" in named:
        named.add("journal")
    return {name: value for name, value in DEFAULTS.items() if name.lower() not in named}


def check_version(build_info: Mapping[str, Any], hosts: str) -> None:
    """Check that the server is new enough.

    Parameters
    ----------
    build_info : mapping
        The server's answer to ``buildInfo``.
    hosts : str
        Hosts of the server, for the message.

    Raises
    ------
    ConfigurationError
        If it is older than 5.0, which lacks update operators and field names that we need.
    """
    if tuple(build_info["versionArray"][:2]) < _OLDEST:
        raise ConfigurationError(
            f"MongoDB {build_info['version']} at {hosts} is too old for hpsearch: "
            f"it needs {_OLDEST[0]}.{_OLDEST[1]} or newer."
        )


def client_of(uri: str) -> MongoClient[Document]:
    """Return the driver's client for a URI, not connected yet.

    Raises
    ------
    ConfigurationError
        If the URI is not valid; the text has no part of a password.
    """
    hosts = hosts_of(uri)
    if not uri.startswith(_SCHEMES):
        raise ConfigurationError(
            f"A MongoDB URI begins with {' or '.join(_SCHEMES)}, such as mongodb://localhost:27017/hpsearch."
        )
    check_files(uri)
    try:
        with warnings.catch_warnings():
            # The driver only warns about an unknown option, such as a misspelt "tls", and ignores it.
            warnings.simplefilter("error", UserWarning)
            return MongoClient(uri, **settings_for(uri))
    except (PyMongoError, UserWarning, ValueError, TypeError, OSError) as error:
        if not is_mistyped(uri) and (unknown := misspelt_option(uri)):
            sentence = f"The MongoDB URI for {hosts} is not valid: {unknown}"
            raise ConfigurationError(sentence if sentence.endswith("?") else f"{sentence}.") from None
        if str(error).startswith("Port must be"):
            raise ConfigurationError(
                f"The MongoDB URI for {hosts} is not valid: a port must be a number from 1 to 65535, "
                "and a colon in a user or password must be written as %3A."
            ) from None
        if may_hold_password(uri):
            # The driver's message may quote a part of the password.
            raise ConfigurationError(
                f"The MongoDB URI for {hosts} is not valid, or names a file or DNS record that is not there: "
                "check its options; user and password must be percent-encoded."
            ) from None
        raise ConfigurationError(f"The MongoDB URI for {hosts} is not valid: {reason(error)}.") from error
