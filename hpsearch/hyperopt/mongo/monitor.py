"""Shows the progress of a fleet search to its script, and checks the script's own limits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from hpsearch.coordination.plan import EndReason
from hpsearch.coordination.progress import Progress
from hpsearch.core.trial import State
from hpsearch.hyperopt.engine.fmin_iter import FMinIter
from hpsearch.hyperopt.progress import best_loss_text
from hpsearch.runtime.events import Event

logger = logging.getLogger(__name__)

#: Seconds without any worker, and without a claim by one, before a warning.
_NO_WORKER_S, _NO_CLAIM_S = 5.0, 20.0


class SearchMonitor:
    """Follows the progress of one call of ``fmin``.

    Parameters
    ----------
    driver : FMinIter
        The limits of this call.
    has_more_points : callable
        Whether the algorithm may suggest more points.
    n_known : int
        Trials that were finished before the call.
    bar : any
        The progress display.
    clock : callable
        Monotonic clock, in seconds.
    has_refresh_hook : bool
        Whether the script replaced ``refresh`` of its trials.
    """

    def __init__(
        self,
        driver: FMinIter,
        has_more_points: Callable[[], bool],
        n_known: int,
        bar: Any,
        clock: Callable[[], float] = time.monotonic,
        *,
        has_refresh_hook: bool = False,
    ) -> None:
        self._has_refresh_hook = has_refresh_hook
        self._driver, self._has_more_points, self._bar, self._clock = driver, has_more_points, bar, clock
        self._n_shown = self._n_judged = n_known
        self._started_at = self._busy_at = clock()
        self._refreshed_at = clock()
        self._idle_event, self._has_warned = Event.NOBODY_CAME, False

    def show(self, progress: Progress) -> None:
        """Update the display; warn once in each period without work."""
        if progress.best is not None and progress.best.loss is not None:
            self._bar.postfix = best_loss_text(progress.best.loss)
        if progress.n_finished > self._n_shown:
            self._bar.update(progress.n_finished - self._n_shown)
        if progress.n_finished > self._n_shown or progress.counts[State.RUNNING]:
            self._busy_at = self._clock()
        self._n_shown = max(self._n_shown, progress.n_finished)
        self._warn_if_idle(progress)

    def check(self, progress: Progress) -> EndReason | None:
        """Return the reason to end the search, or None."""
        driver = self._driver
        self._refresh_if_hooked()
        if driver.timeout is not None and self._clock() - self._started_at >= driver.timeout:
            return EndReason.TIMEOUT
        n_open = progress.counts[State.PENDING] + progress.counts[State.RUNNING]
        if n_open == 0 and not self._has_more_points():
            return EndReason.NO_MORE_POINTS
        if driver.early_stop_fn is None or progress.n_finished <= self._n_judged:
            return None
        self._n_judged = progress.n_finished
        driver.trials.refresh()
        return EndReason.EARLY_STOP if driver.asks_to_stop() else None

    def _refresh_if_hooked(self) -> None:
        """Call a replaced ``refresh`` as often as Hyperopt would."""
        trials, now = self._driver.trials, self._clock()
        if self._has_refresh_hook and now - self._refreshed_at >= self._driver.poll_interval_secs:
            self._refreshed_at = now
            trials.refresh()

    def _warn_if_idle(self, progress: Progress) -> None:
        if progress.workers:
            event = Event.NOBODY_TAKES
        else:
            have_left = progress.n_left_idle and not progress.n_finished
            event = Event.ALL_LEFT if have_left else Event.NOBODY_CAME
        if event is not self._idle_event:
            self._idle_event, self._has_warned, self._busy_at = event, False, self._clock()
        idle_s = self._clock() - self._busy_at
        if self._has_warned or idle_s < (_NO_CLAIM_S if progress.workers else _NO_WORKER_S):
            return
        self._has_warned = True
        name = progress.experiment.exp_key
        match event:
            case Event.NOBODY_TAKES:
                logger.warning(
                    "No worker claims a trial of %s, although %d could; check their logs, for example for a "
                    "missing module or secret",
                    name,
                    len(progress.workers),
                    extra=Event.NOBODY_TAKES.of(exp_key=name, n_workers=len(progress.workers)),
                )
            case Event.ALL_LEFT:
                logger.warning(
                    "All workers of %s have left, %d of them without a trial; check their logs (often "
                    "another HPSEARCH_SECRET or a missing module)",
                    name,
                    progress.n_left_idle,
                    extra=Event.ALL_LEFT.of(exp_key=name, n_left_idle=progress.n_left_idle),
                )
            case Event.NOBODY_CAME:
                logger.warning(
                    "No worker serves %s; start some with: hpsearch worker --store URI --exp-key %s",
                    name,
                    name,
                    extra=Event.NOBODY_CAME.of(exp_key=name),
                )
