"""The exceptions of Hyperopt's ``mongoexp`` that scripts catch."""

from __future__ import annotations

from hpsearch.errors import ExperimentMismatchError
from hpsearch.hyperopt.exceptions import InvalidTrial


class DomainSwapError(ExperimentMismatchError):
    """The experiment exists with another objective or space."""


class InvalidMongoTrial(InvalidTrial):
    """A document is no trial; ``obj`` is the document."""


class OperationFailure(Exception):  # noqa: N818 - Hyperopt's names, as all below
    """Never raised here: what the database refuses is a ``StoreError``."""


class ReserveTimeout(Exception):  # noqa: N818
    """Never raised here: a worker that finds nothing to do waits, or leaves by its own limits."""


class Shutdown(Exception):  # noqa: N818
    """Never raised here: a worker that is told to leave finishes its trial or gives it back."""


class WaitQuit(Exception):  # noqa: N818
    """Never raised here; see ``Shutdown``."""
