"""Which objectives a worker may run: those that match a pattern of ``--allow``.

Whoever may write experiments to the database chooses what the workers import and call. An
owner who does not want to leave that choice to the database names what may be chosen. A
space imports and calls, too, so that what it names is held to the same patterns.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hpsearch.errors import ConfigurationError, LoadError
from hpsearch.experiment import BY_VALUE, Experiment, ObjectiveRef
from hpsearch.objective import DEFAULT_OBJECTIVE, files_of
from hpsearch.space.reach import reach
from hpsearch.trial import Result, Trial
from hpsearch_worker.evaluator import Evaluator, Watch
from hpsearch_worker.messages import Hear

#: The pattern that admits objectives sent by value. No module can have this name.
ANY_BY_VALUE = "by-value"

#: What the wildcards of a pattern stand for; what else it holds stands for itself.
_WILDCARDS = {"**": "[^:]*", "*": "[^./:]*", "?": "[^./:]"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be imported and called."""

    names: tuple[re.Pattern[str], ...]  #: of "module:name"
    files: tuple[re.Pattern[str], ...]  #: of "/absolute/path/file.py:name"
    by_value: bool  #: whether what comes signed is run, too

    @classmethod
    def of(cls, patterns: Sequence[str], folder: Path) -> Allowed:
        """Read patterns; a relative path is taken from a folder, and a missing name is ``objective``.

        Raises
        ------
        ConfigurationError
            If one has no place before the colon.
        """
        names, files = [], []
        for pattern in patterns:
            place, _, name = pattern.partition(":")
            if not place:
                raise ConfigurationError(
                    f"--allow {pattern!r} names no module and no file; "
                    "write module:function or file.py:function, with * for any name."
                )
            name = name or DEFAULT_OBJECTIVE
            if place.endswith(".py"):
                files.append(_compiled(f"{_resolved(folder / place)}:{name}"))
            elif pattern != ANY_BY_VALUE:
                names.append(_compiled(f"{place}:{name}"))
        return cls(tuple(names), tuple(files), ANY_BY_VALUE in patterns)

    def narrowed(self, experiment: Experiment) -> Experiment:
        """Return an experiment that names no other file than the one that was found to be allowed.

        Raises
        ------
        LoadError
            If its objective, or something that its space names or calls, is not allowed.
        """
        found = reach(experiment.space)
        refused = sorted(name for name in found.imports if not _matches(self.names, name))
        if refused:
            raise _refusal(f"What the space names, {', '.join(refused)},")
        if found.loose:
            raise _refusal(f"What the space may reach by {' and '.join(sorted(found.loose))}")
        return replace(experiment, objective=self._narrowed(experiment.objective))

    def _narrowed(self, objective: ObjectiveRef) -> ObjectiveRef:
        name = objective.ref.partition(":")[2]
        match objective.kind:
            case "file":
                for file in files_of(objective):
                    if _matches(self.files, f"{file}:{name}"):
                        return replace(objective, ref=f"{file}:{name}", path=str(file))
            case "import":
                if _matches(self.names, objective.ref):
                    return objective
            case kind if kind == BY_VALUE and self.by_value:
                return objective
        raise _refusal(f"The objective {objective.ref} of the kind {objective.kind!r}")


class AllowedOnly:
    """An evaluator that refuses what is not allowed, before anything of it is loaded.

    Parameters
    ----------
    allowed : Allowed
        What may be run.
    evaluator : Evaluator
        Evaluates that.
    """

    def __init__(self, allowed: Allowed, evaluator: Evaluator) -> None:
        self._allowed = allowed
        self._evaluator = evaluator

    def prepare(self, experiment: Experiment, watch: Watch) -> None:
        """Load an experiment if it is allowed; see ``Evaluator``."""
        self._evaluator.prepare(self._allowed.narrowed(experiment), watch)

    def evaluate(self, trial: Trial, experiment: Experiment, watch: Watch, hear: Hear) -> Result:
        """Evaluate a trial if its experiment is allowed; see ``Evaluator``."""
        return self._evaluator.evaluate(trial, self._allowed.narrowed(experiment), watch, hear)

    def close(self) -> None:
        """End what was started."""
        self._evaluator.close()


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    return re.compile("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts))


def _resolved(path: Path) -> Path:
    """Return a path as that of a file is compared: what stands before the first wildcard has no links."""
    n_plain = next((i for i, part in enumerate(path.parts) if re.search(r"[*?]", part)), len(path.parts))
    # Path.resolve would raise for links that lead in a circle.
    return Path(os.path.realpath(Path(*path.parts[:n_plain])), *path.parts[n_plain:])


def _matches(patterns: Sequence[re.Pattern[str]], name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in patterns)


def _refusal(what: str) -> LoadError:
    return LoadError(f"{what} is not allowed on this worker: no --allow matches what it is on this machine.")
