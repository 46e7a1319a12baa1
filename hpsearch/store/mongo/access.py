"""What a process does when MongoDB refuses a user whom it let in before.

A password that is rotated, and a role that is edited, refuse those who are at work for a while. What
they evaluate would be lost if they ended, so they wait, as they do while MongoDB is away.
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
from hpsearch.store.mongo.permission_errors import refused_action
from hpsearch.store.mongo.roles import grants

log = logging.getLogger(__name__)

#: Seconds without a refusal after which the user counts as let in again. Heartbeats ask every five.
_QUIET_S = 15.0


class Access:
    """Whether MongoDB refuses the user of a connection at present; logs it once.

    Parameters
    ----------
    hosts : str
        Of the server, for messages.
    privileges : sequence of mapping
        What the user was allowed at first, as ``connectionStatus`` lists it.
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
        self._n_waiting = 0  # calls that were refused, and are tried again

    def is_lost(self, error: Exception) -> bool:
        """Whether the user was allowed what MongoDB refuses now.

        What it never allowed, such as making indexes, it will not allow in a moment.
        """
        if code_of(error) != UNAUTHORIZED:
            return True  # the user was let in, and is not any more
        if has_lost_user(error):
            return bool(self._privileges)
        refused = refused_action(str(error))
        if refused is None:
            return False
        _, _, action = refused
        # Who reads on was allowed to begin.
        return action == "getMore" or grants(self._privileges, refused)

    def note_refusal(self, error: Exception, *, is_first: bool) -> None:
        """Take in a refusal of a call that is tried again; say so if that is news."""
        with self._lock:
            self._latest, is_news = self._clock(), self._since is None
            self._n_waiting += is_first
            if is_news:
                self._since = self._latest
        if is_news:
            log.warning(
                "%s Waiting for it to be let in again.",
                translated(error, self._hosts),
                extra=Event.ACCESS_REFUSED.of(hosts=self._hosts),
            )

    def note_end(self, *, was_refused: bool, is_success: bool) -> None:
        """Take in the end of a call."""
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
            "MongoDB at %s lets this user in again after %.1f s",
            self._hosts,
            now - since,
            extra=Event.ACCESS_GRANTED.of(hosts=self._hosts, refused_s=now - since),
        )

    def refused_s(self) -> float | None:
        """Return for how many seconds the user has been refused; None while it is let in."""
        since = self._since
        return None if since is None else self._clock() - since


def has_lost_user(error: Exception) -> bool:
    """Whether a connection has lost its user, who was deleted: it stays useless if the user returns."""
    return code_of(error) == UNAUTHORIZED and "requires authentication" in str(error)


def read_again(read_uri: Callable[[], str] | None) -> str | None:
    """Return the URI as its file has it now; None where there is no file, or it is just being replaced."""
    if read_uri is None:
        return None
    try:
        return read_uri()
    except ConfigurationError as error:
        log.debug("the store file cannot be used: %s", error, extra=Event.STORE_FILE_UNREAD.of())
        return None
