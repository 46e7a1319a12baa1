"""Which objectives a worker may run: those that match a pattern of ``--allow``.

Whoever may write experiments to the database chooses what the workers import and call. An
owner who does not want to leave that choice to the database names what may be chosen. A
space imports and calls, too, so that what it names is held to the same patterns, and its
operations only compute.

Names are looked at twice: as text, before anything is imported, and once more as what was
found there, since a module also holds what it imported from elsewhere.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.core.experiment import BY_VALUE, Experiment, ObjectiveRef
from hpsearch.errors import ConfigurationError, LoadError
from hpsearch.objective.loading import DEFAULT_OBJECTIVE, files_of
from hpsearch.space.references import references_of
from hpsearch.space.trust import Trust, defining_module, imported, qualname_of

#: The pattern that admits objectives sent by value. No module can have this name.
ANY_BY_VALUE = "by-value"

#: What the wildcards of a pattern stand for; what else it holds stands for itself.
_WILDCARDS = {"**": "[^:]*", "*": "[^./:]*", "?": "[^./:]"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of ``--allow``."""

    whole: re.Pattern[str]  #: of the place, a colon, and the name
    is_exact: bool  #: whether the name holds no wildcard, so that the owner chose it

    @classmethod
    def of(cls, place: str, name: str) -> Pattern:
        """Read what stands before and after the colon."""
        return cls(_compiled(f"{place}:{name}"), is_exact=not re.search(r"[*?]", name))

    def matches(self, reference: str) -> bool:
        """Whether a reference is admitted, as far as its text tells."""
        return self.whole.fullmatch(reference) is not None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be imported and called."""

    names: tuple[Pattern, ...]  #: of "module:name"
    files: tuple[Pattern, ...]  #: of "/absolute/path/file.py:name"
    by_value: bool  #: whether what comes signed is run, too

    @classmethod
    def of(cls, patterns: Sequence[str], folder: Path) -> Allowed:
        """Read patterns; a relative path is taken from a folder, and a missing name is ``objective``.

        Raises
        ------
        ConfigurationError
            If one has no place before the colon, or a name with double underscores around it.
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
            is_file = place.endswith(".py")
            if _is_internal(name) or (not is_file and _is_internal(place)):
                raise ConfigurationError(
                    f"--allow {pattern!r} has a name with double underscores around it, which is "
                    "Python's own and never run; name a function."
                )
            if is_file:
                files.append(Pattern.of(str(_resolved(folder / place)), name))
            elif pattern != ANY_BY_VALUE:
                names.append(Pattern.of(place, name))
        return cls(tuple(names), tuple(files), ANY_BY_VALUE in patterns)

    def narrowed(self, experiment: Experiment) -> Experiment:
        """Return an experiment that names no other file than the one that was found to be allowed.

        Raises
        ------
        LoadError
            If its objective, or something that its space names or calls, is not allowed.
        """
        found = references_of(experiment.space)
        refused = sorted(name for name in found.imports if not self._admits(name))
        if refused:
            raise _refusal(f"What the space names, {', '.join(refused)},")
        if found.unrestricted:
            raise _refusal(f"What the space may reach by {' and '.join(sorted(found.unrestricted))}")
        return replace(experiment, objective=self._narrowed(experiment.objective))

    @property
    def trust(self) -> Trust:
        """What the space of an experiment may import and compute."""
        return Trust(self._found, is_restricted=True)

    def check_loaded(self, ref: ObjectiveRef, objective: Any) -> None:
        """Check an objective that was imported under a name that is allowed.

        Raises
        ------
        LoadError
            If only a wildcard matches that name, and the function is defined elsewhere, where it
            is not allowed.
        """
        place = ref.ref.partition(":")[0]
        match ref.kind:
            case "file":
                is_own = _file_of(objective) == place
                is_chosen = any(pattern.is_exact for pattern in self.files if pattern.matches(ref.ref))
                self._check_defined(ref.ref, objective, is_admitted=is_own or is_chosen)
            case "import":
                self._check_import(ref.ref, objective)

    def _found(self, reference: str, place: str) -> Any:
        """Import what a space refers to, if it is allowed."""
        if not self._admits(reference):
            raise _refusal(f"What the space names, {reference},")
        found = imported(reference, place)
        self._check_import(reference, found)
        return found

    def _check_import(self, reference: str, value: Any) -> None:
        is_own = defining_module(value) == reference.partition(":")[0]
        is_chosen = any(pattern.is_exact for pattern in self.names if pattern.matches(reference))
        self._check_defined(reference, value, is_admitted=is_own or is_chosen)

    def _check_defined(self, reference: str, value: Any, *, is_admitted: bool) -> None:
        """Raise unless a value is admitted where it was found, or where it is defined."""
        home = f"{defining_module(value)}:{qualname_of(value)}"
        file = f"{_file_of(value)}:{qualname_of(value)}"
        if not (is_admitted or self._admits(home) or any(p.matches(file) for p in self.files)):
            raise LoadError(
                f"{reference} is defined elsewhere, as {home}, and not allowed on this worker: a star after "
                "the colon admits only what its module defines; name the function to --allow."
            )

    def _admits(self, reference: str) -> bool:
        """Whether a pattern for modules admits a reference, as far as its text tells."""
        return not _is_internal(reference) and any(pattern.matches(reference) for pattern in self.names)

    def _narrowed(self, objective: ObjectiveRef) -> ObjectiveRef:
        name = objective.ref.partition(":")[2]
        match objective.kind:
            case "file" if not _is_internal(name):
                for file in files_of(objective):
                    if any(pattern.matches(f"{file}:{name}") for pattern in self.files):
                        return replace(objective, ref=f"{file}:{name}", path=str(file), paths=())
            case "import":
                if self._admits(objective.ref):
                    return objective
            case kind if kind == BY_VALUE and self.by_value:
                return objective
        raise _refusal(f"The objective {objective.ref} of the kind {objective.kind!r}")


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    return re.compile("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts))


def _resolved(path: Path) -> Path:
    """Return a path as that of a file is compared: what stands before the first wildcard has no links."""
    n_plain = next((i for i, part in enumerate(path.parts) if re.search(r"[*?]", part)), len(path.parts))
    # Path.resolve would raise for links that lead in a circle.
    return Path(os.path.realpath(Path(*path.parts[:n_plain])), *path.parts[n_plain:])


def _is_internal(reference: str) -> bool:
    """Whether a part of a name has double underscores around it: that is Python's, and leads anywhere."""
    return any(part.startswith("__") and part.endswith("__") for part in re.split("[.:]", reference))


def _file_of(value: Any) -> str | None:
    """Return the file that defines a value, with links followed; None if that is not known."""
    file = getattr(sys.modules.get(defining_module(value) or ""), "__file__", None)
    return os.path.realpath(file) if file else None


def _refusal(what: str) -> LoadError:
    return LoadError(f"{what} is not allowed on this worker: no --allow matches what it is on this machine.")
