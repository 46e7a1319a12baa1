"""Tells a service manager such as systemd how this process is: the protocol of sd_notify(3).

The manager names a datagram socket in ``NOTIFY_SOCKET`` and, if it wants signs of life,
their longest distance in ``WATCHDOG_USEC``. Without those variables nothing is told.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Callable, MutableMapping

from hpsearch.runtime.events import Event

log = logging.getLogger(__name__)

#: Signs of life in the time that the manager allows between two of them: three may come late.
_SIGNS_PER_WATCH = 4

#: The manager's microseconds; more digits are no time.
_WATCH_US = re.compile("[0-9]{1,18}")

#: Seconds between two changes of the status, so that a fast search does not flood the manager.
_STATUS_EVERY_S = 1.0

#: Seconds that a message may take; a manager that takes none costs no more than that.
_PATIENCE_S = 2.0


class Notifier:
    """One line to the service manager.

    Parameters
    ----------
    address : str, optional
        Path of the socket, or ``@`` and the name of one in Linux's abstract namespace; None to tell nobody.
    watch_s : float, optional
        Seconds within which the manager expects signs of life, if it does.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        address: str | None,
        watch_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._sign_every_s = None if watch_s is None else watch_s / _SIGNS_PER_WATCH
        self._clock = clock
        self._sign_due = self._status_due = float("-inf")
        self._told: set[str] = set()
        self._status = ""

    def ready(self) -> None:
        """Say that the process serves from now on; only once, however often it is called."""
        self._tell_once("READY=1")

    def stopping(self) -> None:
        """Say that the process is about to end; only once, however often it is called."""
        self._tell_once("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in one line what the process does, if that has changed, at most once a second."""
        line, now = " ".join(text.split()), self._clock()
        if line != self._status and now >= self._status_due:
            self._status, self._status_due = line, now + _STATUS_EVERY_S
            self._tell(f"STATUS={line}")

    def alive(self) -> None:
        """Give a sign of life if the manager wants any and the next is due; to be called often."""
        if self._sign_every_s is not None and (now := self._clock()) >= self._sign_due:
            self._sign_due = now + self._sign_every_s
            self._tell("WATCHDOG=1")

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._tell(message)

    def _tell(self, message: str) -> None:
        if self._address is None:
            return
        # An abstract address begins with a zero byte, which no variable can hold.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.settimeout(_PATIENCE_S)
                line.sendto(message.encode(errors="backslashreplace"), address)
        except OSError as error:
            # A search is worth more than a word about it.
            log.debug(
                "the service manager was not told %s: %s",
                message,
                error,
                extra=Event.MANAGER_NOT_TOLD.of(told=message),
            )


def take_notifier(environment: MutableMapping[str, str]) -> Notifier:
    """Return the line that the environment names, and take it out of there.

    Whatever this process starts would otherwise speak in its name, objectives included.

    Parameters
    ----------
    environment : mutable mapping
        ``os.environ``; loses ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.
    """
    address = environment.pop("NOTIFY_SOCKET", None)
    watch_us = environment.pop("WATCHDOG_USEC", "")
    watched = environment.pop("WATCHDOG_PID", str(os.getpid()))
    watch_s = int(watch_us) / 1e6 if _WATCH_US.fullmatch(watch_us) else 0.0
    is_watched = watch_s > 0 and watched == str(os.getpid())
    return Notifier(address or None, watch_s if is_watched else None)
