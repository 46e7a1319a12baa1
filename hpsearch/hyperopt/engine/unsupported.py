"""Names of Hyperopt that hpsearch does not implement: using one raises an error with the alternative."""

from __future__ import annotations

from typing import NoReturn

from hpsearch.errors import ConfigurationError

_USE_A_FLEET = (
    "use Trials() to search in this process, or the commands hpsearch run and hpsearch worker to search on "
    "many machines."
)


class _Unsupported:
    """A class that can be imported and subclassed, but not instantiated."""

    _message: str

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        raise ConfigurationError(self._message)


class IPythonTrials(_Unsupported):
    """Hyperopt's trials on IPython engines; raises ``ConfigurationError``."""

    _message = f"hpsearch does not run on IPython engines; {_USE_A_FLEET}"


class LostEngineError(RuntimeError):
    """Hyperopt's error for a lost IPython engine; never raised."""


class SparkTrials(_Unsupported):
    """Hyperopt's trials on Spark; raises ``ConfigurationError``."""

    _message = f"hpsearch does not run on Spark; {_USE_A_FLEET}"


class MongoWorker(_Unsupported):
    """Hyperopt's worker as an object; raises ``ConfigurationError``."""

    _message = (
        "A worker cannot be started from Python; run the command hpsearch-mongo-worker, which takes the "
        "options of hyperopt-mongo-worker, or hpsearch worker."
    )


def atpe_suggest(*_args: object, **_kwargs: object) -> NoReturn:
    """Raise ``ConfigurationError``: the trained models of ``atpe`` belong to Hyperopt.

    Parameters
    ----------
    *_args, **_kwargs
        Ignored.
    """
    raise ConfigurationError(
        "hpsearch has no atpe.suggest, which needs Hyperopt's trained models; use tpe.suggest, which needs "
        "no tuning."
    )


class OperationFailure(Exception):  # noqa: N818 - Hyperopt's name, like those below
    """Hyperopt's error for a refused operation; never raised, since hpsearch raises ``StoreError``."""


class ReserveTimeout(Exception):  # noqa: N818
    """Hyperopt's error for an idle worker; never raised, since workers poll until their own limits."""


class Shutdown(Exception):  # noqa: N818
    """Hyperopt's error for a worker that stops; never raised, since it finishes or releases its trial."""


class WaitQuit(Exception):  # noqa: N818
    """Hyperopt's error for an interrupted wait of a worker; never raised."""
