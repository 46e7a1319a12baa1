"""The log of a command on stderr: lines for people, or a JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from hpsearch.runtime.escaping import escaped, printable
from hpsearch.runtime.events import Event
from hpsearch.runtime.strict_json import json_text

log = logging.getLogger(__name__)

#: Where hpsearch's own events come from.
LOGGERS = ("hpsearch", "hpsearch_worker")

#: Libraries of hpsearch's own whose details are not the user's, even where the user asks for all details.
_FOREIGN = ("pymongo",)

_WARNINGS = "py.warnings"


def log_as_json() -> None:
    """Write the log in JSON from now on.

    Warnings of Python and the logs of all libraries become part of it, so that what reads
    stderr finds nothing else there.
    """
    if is_json():
        return
    logging.getLogger().addHandler(_StderrHandler(_JsonFormatter()))
    logging.captureWarnings(True)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(min(logging.INFO, logger.level or logging.INFO))


def log_to_stderr(level: int = logging.INFO, **fields: object) -> None:
    """Send hpsearch's log to stderr, one line an event; debug messages if they were asked for.

    Parameters
    ----------
    level : int
        The least level for people; programs get all from info on.
    **fields
        What each line has in JSON, such as the name of the worker.
    """
    formatter = _json_formatter()
    if formatter is not None:
        formatter.fields = fields
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(min(level, logger.level or level))
        for handler in [h for h in logger.handlers if isinstance(h, _StderrHandler)]:
            logger.removeHandler(handler)
        if formatter is None:
            logger.addHandler(_StderrHandler(_TEXT))


@contextmanager
def preserve_logging() -> Iterator[None]:
    """Put logging right afterwards, whatever the code within configured, disabled or took away."""
    manager, root = logging.root.manager, logging.getLogger()
    kept = [_State(logger) for logger in (root, *_loggers())]
    known, is_disabled = {state.logger for state in kept}, manager.disable
    try:
        yield
    finally:
        manager.disable = is_disabled
        for state in kept:
            state.restore()
        for logger in set(_loggers()) - known:  # the levels of others are the root's, which is WARNING
            logger.setLevel(logging.NOTSET)


@contextmanager
def preserve_own_log() -> Iterator[None]:
    """Keep hpsearch's log in a process in which a user's code may configure logging for itself.

    Afterwards hpsearch writes what it wrote before, and no handler of the user's repeats it.
    """
    root = logging.getLogger()
    kept = [_State(logger) for logger in _loggers() if _is_ours(logger.name)]
    if is_json():
        kept.append(_State(root))  # all of stderr is one log
    handlers = list(root.handlers)
    try:
        yield
    finally:
        for state in kept:
            state.restore()
        for handler in set(root.handlers) - set(handlers):
            handler.addFilter(lambda record: not _is_ours(record.name))
        for name in _FOREIGN:
            logger = logging.getLogger(name)
            logger.setLevel(logger.level or logging.WARNING)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in LOGGERS


class _State:
    """What the logging of a process may change of a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self._attributes = {name: getattr(logger, name) for name in ("level", "propagate", "disabled")}
        self._lists = {name: list(getattr(logger, name)) for name in ("handlers", "filters")}

    def restore(self) -> None:
        for name, value in self._attributes.items():
            setattr(self.logger, name, value)
        self.logger.setLevel(self._attributes["level"])  # also forgets which levels it had found enabled
        for name, members in self._lists.items():
            getattr(self.logger, name)[:] = members


def _loggers() -> list[logging.Logger]:
    """Return every logger but the root."""
    found = list(logging.root.manager.loggerDict.values())
    return [logger for logger in found if isinstance(logger, logging.Logger)]


def is_json() -> bool:
    """Whether the log of this process is written in JSON."""
    return _json_formatter() is not None


def print_or_log(sentence: str, extra: Mapping[str, object]) -> None:
    """Tell whoever watches a command: as a plain line, or in JSON as an event like any other."""
    if is_json():
        log.info("%s", sentence, extra=extra)
    else:
        print(printable(sentence), file=sys.stderr, flush=True)  # noqa: T201


def log_lines(lines: Sequence[str], extra: Mapping[str, object]) -> None:
    """Log lines, each as an event, all at once: in JSON alone, where so many records would cost much more."""
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, _StderrHandler)]
    if not handlers or not log.isEnabledFor(logging.INFO):
        return
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, "", (), None, extra=dict(extra))
    before, empty, after = handlers[0].format(record).partition('"message": ""')
    assert empty, "a line has a message"
    # A raw control character separates the texts: within them they are all escaped.
    texts = json.dumps(list(lines), separators=("\0", ":"))[1:-1].replace("\x7f", r"\u007f")
    start, end = f'{before}"message": ', f"{after}\n"
    handlers[0].write(f"{start}{texts}{end}".replace("\0", end + start))


class _JsonFormatter(logging.Formatter):
    """Makes one line of JSON of a record, whatever it holds."""

    fields: Mapping[str, object] = MappingProxyType({})  #: what each line has

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": _event(record),
            "message": _message(record),
            **self.fields,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json_text(line, is_ascii=True)


class _TextFormatter(logging.Formatter):
    """Makes one line of a record, and more of its traceback: no text in it passes for another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        return printable(super().formatException(ei))


_TEXT = _TextFormatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")


class _StderrHandler(logging.Handler):
    """Looks stderr up each time, since a live view puts something else in its place.

    ``click.echo`` would find the terminal behind that, and write into the middle of the view.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self._write(self.format(record) + "\n")

    def write(self, text: str) -> None:
        """Write lines that are formatted already."""
        with self.lock or nullcontext():
            self._write(text)

    def _write(self, text: str) -> None:
        # Nobody reads it any more, or an objective closed or replaced it: no reason to end.
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(text)
            sys.stderr.flush()


def _json_formatter() -> _JsonFormatter | None:
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    return next((f for f in formatters if isinstance(f, _JsonFormatter)), None)


def _event(record: logging.LogRecord) -> str:
    ours = getattr(record, "event", None)
    if ours is not None:
        return str(ours)
    return Event.PYTHON_WARNING if record.name == _WARNINGS else Event.LIBRARY


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a library's call that does not fit its own format
        return f"{record.msg} {record.args}"
