"""The live view of a running search, with rich (extra ``terminal``)."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import ExperimentState
from hpsearch.report.failures import failure_line
from hpsearch.report.front_text import closest_text, front_text
from hpsearch.report.text import counts_text, duration_text, number, params_text, workers_text
from hpsearch.report.worth_text import worth_text
from hpsearch.runtime.escaping import escaped

#: Lines for the parameters of the best trial: the block with all other rows fits on a small screen.
_MAX_PARAM_LINES = 6

#: Redraws per second.
_REDRAWS = 4


class LiveView:
    """A block at the bottom of the terminal; other output scrolls above it.

    Parameters
    ----------
    console : Console
        The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=_REDRAWS, transient=True)
        self._live.start()

    def show(self, progress: Progress) -> None:
        """Draw a new state."""
        self._live.update(block(progress))

    def close(self) -> None:
        """Remove the block."""
        self._live.stop()


def block(progress: Progress) -> RenderableType:
    """Return the block for the progress of a search."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("trials", counts_text(progress))
    best, goal = progress.best, progress.experiment.goal
    if best is not None and best.loss is not None:
        text = f"{number(goal.value(best.loss))}  (trial {best.tid})"
        grid.add_row(Text(f"best {escaped(goal.name)}"), Text(text, style="green"))
    if progress.front is not None:
        grid.add_row("front", Text(escaped(front_text(progress.front)), style="green"))
    if (closest := closest_text(progress)) is not None:
        grid.add_row("limits", Text(escaped(closest), style="yellow"))
    if not progress.is_standby:
        grid.add_row("speed", _speed(progress))
    if progress.forecast is not None:
        grid.add_row("worth", Text(escaped(worth_text(progress.forecast, progress.per_minute, goal.name))))
    grid.add_row("workers", _workers(progress))
    if progress.last_failure is not None:
        # Always one line: a block that grows and shrinks is hard to read.
        text = failure_line(progress.last_failure)
        grid.add_row("last error", Text(text, style="red", no_wrap=True, overflow="ellipsis"))
    if best is not None and best.loss is not None and best.params:
        # Last, and of limited height: rich cuts off what is below the end of the screen.
        grid.add_row("best with", _Params(params_text(best.params)))
    return Group(_head(progress), grid)


class _Params:
    """Parameters on up to ``_MAX_PARAM_LINES`` lines.

    Parameters
    ----------
    text : str
        All of them.
    """

    def __init__(self, text: str) -> None:
        self._text = Text(text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines; the last one says if there are more."""
        lines = self._text.wrap(console, options.max_width, overflow="fold")
        if len(lines) > _MAX_PARAM_LINES:
            yield from lines[: _MAX_PARAM_LINES - 1]
            yield Text("… `hpsearch best` shows all", style="dim")
        else:
            yield from lines


def _head(progress: Progress) -> RenderableType:
    state = "standby: another coordinator leads" if progress.is_standby else str(progress.experiment.state)
    title = Text.assemble((escaped(progress.experiment.exp_key), "bold"), f"  {state}")
    total = progress.experiment.budget.max_evals
    if total is None:
        return title
    head = Table.grid(padding=(0, 2))
    head.add_row(title, ProgressBar(total=total, completed=progress.n_finished, width=40))
    return head


def _speed(progress: Progress) -> str:
    rate = [] if progress.per_minute is None else [f"{progress.per_minute:.3g} trials/min"]
    left = [] if progress.remaining_s is None else [f"{duration_text(progress.remaining_s)} left"]
    return ", ".join([*rate, f"{duration_text(progress.elapsed_s)} so far", *left])


def _workers(progress: Progress) -> Text:
    if progress.workers:
        return Text(f"{len(progress.workers)} alive")
    is_stuck = progress.experiment.state is ExperimentState.RUNNING
    return Text(workers_text(progress), style="yellow" if is_stuck else "")
