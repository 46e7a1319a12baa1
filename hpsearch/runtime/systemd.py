"""Notifications to a service manager such as systemd, by the protocol of sd_notify(3).

The manager names a datagram socket in ``NOTIFY_SOCKET`` and, if it watches the process, the time between
keep-alive messages in ``WATCHDOG_USEC``. Without these variables nothing is sent.
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

#: Keep-alive messages in the time that the manager allows between two of them.
_KEEP_ALIVES_PER_WATCH = 4

#: The manager's microseconds; a longer number is invalid.
_WATCH_US = re.compile("[0-9]{1,18}")

#: Seconds between two changes of the status, so that a fast search does not flood the manager.
_STATUS_EVERY_S = 1.0

#: Time limit of a message in seconds.
_TIMEOUT_S = 2.0


class Notifier:
    """Sends notifications to the service manager.

    Parameters
    ----------
    address : str, optional
        Path of the socket, or ``@`` and a name in Linux's abstract namespace; None to send nothing.
    watch_s : float, optional
        Seconds within which the manager expects keep-alive messages; None if it does not.
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
        self._keep_alive_every_s = None if watch_s is None else watch_s / _KEEP_ALIVES_PER_WATCH
        self._clock = clock
        self._keep_alive_due = self._status_due = float("-inf")
        self._sent: set[str] = set()
        self._status = ""

    def ready(self) -> None:
        """Report that the process is ready; further calls send nothing."""
        self._send_once("READY=1")

    def stopping(self) -> None:
        """Report that the process is about to end; further calls send nothing."""
        self._send_once("STOPPING=1")

    def status(self, text: str) -> None:
        """Report what the process does, in one line, if it has changed, at most once a second."""
        line, now = " ".join(text.split()), self._clock()
        if line != self._status and now >= self._status_due:
            self._status, self._status_due = line, now + _STATUS_EVERY_S
            self._send(f"STATUS={line}")

    def alive(self) -> None:
        """Send a keep-alive message if the manager expects one and it is due; call this often."""
        if self._keep_alive_every_s is not None and (now := self._clock()) >= self._keep_alive_due:
            self._keep_alive_due = now + self._keep_alive_every_s
            self._send("WATCHDOG=1")

    def _send_once(self, message: str) -> None:
        if message not in self._sent:
            self._sent.add(message)
            self._send(message)

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        # An abstract address begins with NUL, which no variable can contain.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.settimeout(_TIMEOUT_S)
                manager.sendto(message.encode(errors="backslashreplace"), address)
        except OSError as error:
            # The search continues without the service manager.
            log.debug(
                "could not notify the service manager of %s: %s",
                message,
                error,
                extra=Event.MANAGER_NOT_TOLD.of(told=message),
            )


def take_notifier(environment: MutableMapping[str, str]) -> Notifier:
    """Return a notifier for the environment's variables, and remove them there.

    Otherwise child processes, objectives included, could send notifications in the name of this one.

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
