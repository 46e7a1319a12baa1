"""Waiting for access when MongoDB refuses a user that it accepted before.

While a password is rotated or a role is edited, running processes are refused for a while. If they
ended, their evaluations would be lost, so they wait as they do while MongoDB is away.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.events import Event
from hpsearch.store.mongo.errors import UNAUTHORIZED, code_of, translated
from hpsearch.store.mongo.roles import grants, refused_right

log = logging.getLogger(__name__)

#: Seconds without a refusal after which the user counts as accepted again; a heartbeat calls every five.
_QUIET_S = 15.0


class Access:
    """Whether MongoDB currently refuses the user of a connection; logs each period once.

    Parameters
    ----------
    hosts : str
        Hosts of the server, for messages.
    privileges : sequence of mapping
        The user's rights at the start, as ``connectionStatus`` lists them.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        hosts: str,
        privileges: Sequence[Mapping[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = hosts
        self._privileges = privileges
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._latest = 0.0  # when MongoDB last refused
        self._n_waiting = 0  # refused calls that are being repeated

    def is_lost(self, error: Exception) -> bool:
        """Whether the user had the right that MongoDB refuses now.

        A right that the user never had, such as creating indexes, is not worth waiting for.
        """
        if code_of(error) != UNAUTHORIZED:
            return True  # the credentials are refused
        if has_lost_user(error):
            return bool(self._privileges)
        refused = refused_right(str(error))
        if refused is None:
            return False
        _, _, action = refused
        # A getMore follows a query that was allowed.
        return action == "getMore" or grants(self._privileges, refused)

    def note_refusal(self, error: Exception, *, is_first: bool) -> None:
        """Record the refusal of a call that will be repeated; log it if it is the first.

        Parameters
        ----------
        error : Exception
            As the driver raised it.
        is_first : bool
            Whether this call was not refused before.
        """
        with self._lock:
            self._latest, is_new = self._clock(), self._since is None
            self._n_waiting += is_first
            if is_new:
                self._since = self._latest
        if is_new:
            log.warning(
                "%s Waiting for access.",
                translated(error, self._hosts),
                extra=Event.ACCESS_REFUSED.of(hosts=self._hosts),
            )

    def note_end(self, *, was_refused: bool, is_success: bool) -> None:
        """Record the end of a call.

        Parameters
        ----------
        was_refused : bool
            Whether it was refused before.
        is_success : bool
            Whether it succeeded.
        """
        if self._since is None:  # the common case needs no lock
            return
        with self._lock:
            self._n_waiting -= was_refused
            now, since = self._clock(), self._since
            is_quiet = was_refused or now - self._latest >= _QUIET_S
            if since is None or not is_success or self._n_waiting or not is_quiet:
                return
            self._since = None
        log.warning(
            "MongoDB at %s accepts this user again after %.1f s",
            self._hosts,
            now - since,
            extra=Event.ACCESS_GRANTED.of(hosts=self._hosts, refused_s=now - since),
        )

    def refused_s(self) -> float | None:
        """Return for how many seconds the user has been refused; None if it is not."""
        since = self._since
        return None if since is None else self._clock() - since


def has_lost_user(error: Exception) -> bool:
    """Whether the user of a connection was deleted; the connection stays unusable if it is re-created."""
    return code_of(error) == UNAUTHORIZED and "requires authentication" in str(error)


def read_again(read_uri: Callable[[], str] | None) -> str | None:
    """Return the URI as its file has it now; None if there is no file or it is being replaced."""
    if read_uri is None:
        return None
    try:
        return read_uri()
    except ConfigurationError as error:
        log.debug("cannot use the store file: %s", error, extra=Event.STORE_FILE_UNREAD.of())
        return None
