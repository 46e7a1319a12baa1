"""The log of a command on stderr: text for people, or one JSON object per line for programs."""

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

#: The loggers of hpsearch.
LOGGERS = ("hpsearch", "hpsearch_worker")

#: Libraries that hpsearch uses, whose debug messages a user does not want even at level DEBUG.
_FOREIGN = ("pymongo",)

_WARNINGS = "py.warnings"


def log_as_json() -> None:
    """Write the log in JSON from now on.

    The log then includes Python's warnings and the logs of all libraries, so that stderr has nothing else.
    """
    if is_json():
        return
    logging.getLogger().addHandler(_StderrHandler(_JsonFormatter()))
    logging.captureWarnings(True)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(min(logging.INFO, logger.level or logging.INFO))


def log_to_stderr(level: int = logging.INFO, **fields: object) -> None:
    """Write hpsearch's log to stderr, one line per event.

    Parameters
    ----------
    level : int
        Lowest level of the text form; JSON always includes INFO.
    **fields
        Fields of every line in JSON, such as the name of the worker.
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
    """Restore the configuration of logging after a block."""
    manager, root = logging.root.manager, logging.getLogger()
    kept = [_State(logger) for logger in (root, *_loggers())]
    known, is_disabled = {state.logger for state in kept}, manager.disable
    try:
        yield
    finally:
        set_disabled(is_disabled)
        for state in kept:
            state.restore()
        for logger in set(_loggers()) - known:  # new loggers inherit the level of the root, WARNING
            logger.setLevel(logging.NOTSET)


def set_disabled(level: int) -> None:
    """Disable all log messages up to a level; unlike ``logging.disable``, do nothing if they are already."""
    if logging.root.manager.disable != level:
        logging.disable(level)


@contextmanager
def preserve_own_log() -> Iterator[None]:
    """Restore hpsearch's loggers after a block in which a user's code may configure logging.

    Handlers that the user's code has added do not repeat hpsearch's messages.
    """
    root = logging.getLogger()
    kept = [_State(logger) for logger in _loggers() if _is_ours(logger.name)]
    if is_json():
        kept.append(_State(root))  # in JSON, all logs go through the root
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
    """The configurable state of a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self._attributes = {name: getattr(logger, name) for name in ("level", "propagate", "disabled")}
        self._lists = {name: list(getattr(logger, name)) for name in ("handlers", "filters")}

    def restore(self) -> None:
        changed = {k: v for k, v in self._attributes.items() if getattr(self.logger, k) != v}
        for name, value in changed.items():
            setattr(self.logger, name, value)
        if changed:
            self.logger.setLevel(self._attributes["level"])  # also clears the cache of enabled levels
        for name, members in self._lists.items():
            getattr(self.logger, name)[:] = members


def _loggers() -> list[logging.Logger]:
    """Return every logger except the root."""
    found = list(logging.root.manager.loggerDict.values())
    return [logger for logger in found if isinstance(logger, logging.Logger)]


def is_json() -> bool:
    """Whether the log of this process is written in JSON."""
    return _json_formatter() is not None


def print_or_log(sentence: str, extra: Mapping[str, object]) -> None:
    """Show a message to the user of a command: a plain line on stderr, or an event of the log in JSON.

    Parameters
    ----------
    sentence : str
        The message.
    extra : mapping
        The event, from ``Event.of``.
    """
    if is_json():
        log.info("%s", sentence, extra=extra)
    else:
        print(printable(sentence), file=sys.stderr, flush=True)  # noqa: T201


def log_lines(lines: Sequence[str], extra: Mapping[str, object]) -> None:
    """Log many lines at once, each as an event, much faster than by one call each; only in JSON.

    Parameters
    ----------
    lines : sequence of str
        The messages.
    extra : mapping
        The event of each, from ``Event.of``.
    """
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, _StderrHandler)]
    if not handlers or not log.isEnabledFor(logging.INFO):
        return
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, "", (), None, extra=dict(extra))
    before, empty, after = handlers[0].format(record).partition('"message": ""')
    assert empty, "a line has a message"
    # NUL separates the texts, since it is escaped within them.
    texts = json.dumps(list(lines), separators=("\0", ":"))[1:-1].replace("\x7f", r"\u007f")
    start, end = f'{before}"message": ', f"{after}\n"
    handlers[0].write(f"{start}{texts}{end}".replace("\0", end + start))


class _JsonFormatter(logging.Formatter):
    """Formats any record as one line of JSON."""

    fields: Mapping[str, object] = MappingProxyType({})  #: fields of every line

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
    """Formats a record as one escaped line, followed by its traceback."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        return printable(super().formatException(ei))


_TEXT = _TextFormatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")


class _StderrHandler(logging.Handler):
    """Writes to the present ``sys.stderr``, which a live view replaces while it runs.

    ``click.echo`` would write to the terminal behind it, into the middle of the view.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self._write(self.format(record) + "\n")

    def write(self, text: str) -> None:
        """Write formatted lines."""
        with self.lock or nullcontext():
            self._write(text)

    def _write(self, text: str) -> None:
        # The reader has ended, or an objective has closed or replaced stderr.
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
    except Exception:  # noqa: BLE001 - a library's arguments do not fit its format
        return f"{record.msg} {record.args}"
