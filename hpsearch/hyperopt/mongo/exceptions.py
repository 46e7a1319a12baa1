"""The exceptions of Hyperopt's ``mongoexp`` that scripts catch."""

from __future__ import annotations

from hpsearch.errors import ExperimentMismatchError
from hpsearch.hyperopt.exceptions import InvalidTrial


class DomainSwapError(ExperimentMismatchError):
    """The experiment exists with another objective or space."""


class InvalidMongoTrial(InvalidTrial):
    """A document cannot be inserted as a trial; ``obj`` is the document."""


class OperationFailure(Exception):  # noqa: N818 - Hyperopt's name, like those below
    """Never raised by hpsearch, which raises ``StoreError``."""


class ReserveTimeout(Exception):  # noqa: N818
    """Never raised by hpsearch: an idle worker polls until its own limits end it."""


class Shutdown(Exception):  # noqa: N818
    """Never raised by hpsearch: a worker that shuts down finishes or releases its trial."""


class WaitQuit(Exception):  # noqa: N818
    """Never raised by hpsearch; see ``Shutdown``."""
