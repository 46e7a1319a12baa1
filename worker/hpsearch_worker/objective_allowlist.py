"""The objectives that a worker may run: those that match a pattern of ``--allow``.

Anyone who can write experiments to the database chooses what the workers import and call. ``--allow``
limits that choice. A search space imports and calls functions, too, so the names in it must match the same
patterns, and its operations may only compute.

Names are checked twice: as text before the import, and afterwards by where the object is defined, because
a module also contains what it imported from other modules.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.core.experiment import BY_VALUE, COMMAND, Experiment, ObjectiveRef
from hpsearch.errors import ConfigurationError, LoadError
from hpsearch.objective.command.template import command_text
from hpsearch.objective.loading import DEFAULT_OBJECTIVE, files_of
from hpsearch.space.references import references_of
from hpsearch.space.trust import Trust, defining_module, imported, qualname_of

#: The pattern that allows objectives sent by value. No module can have this name.
ANY_BY_VALUE = "by-value"

#: What begins the patterns for commands.
COMMANDS = "command:"

#: The regular expression for each wildcard of a pattern.
_WILDCARDS = {"**": "[^:]*", "*": "[^./:]*", "?": "[^./:]"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of ``--allow``."""

    regex: re.Pattern[str]  #: matches ``place:name``
    is_exact: bool  #: whether the name has no wildcard, so the owner chose this very object

    @classmethod
    def of(cls, place: str, name: str) -> Pattern:
        """Compile a pattern.

        Parameters
        ----------
        place : str
            A module, or the path of a file, with wildcards.
        name : str
            A name in it, with wildcards.
        """
        parts = re.split(r"(\*\*|\*|\?)", f"{place}:{name}")
        regex = re.compile("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts))
        return cls(regex, is_exact=not re.search(r"[*?]", name))

    def matches(self, reference: str) -> bool:
        """Whether the text of a reference matches."""
        return self.regex.fullmatch(reference) is not None


@dataclass(frozen=True, slots=True)
class Allowlist:
    """What may be imported and called."""

    names: tuple[Pattern, ...]  #: match "module:name"
    files: tuple[Pattern, ...]  #: match "/absolute/path/file.py:name"
    by_value: bool  #: whether signed objectives may run
    commands: tuple[re.Pattern[str], ...] = ()  #: match a command with its holes, as written in a shell

    @classmethod
    def of(cls, patterns: Sequence[str], folder: Path) -> Allowlist:
        """Compile the patterns of ``--allow``.

        Parameters
        ----------
        patterns : sequence of str
            ``module:name``, ``file.py:name`` or ``by-value``, with ``*``, ``**`` and ``?`` as wildcards; the
            default name is ``objective``. ``command:python train.py *`` allows commands by their text with
            the holes; only ``*`` is a wildcard there.
        folder : Path
            Start of relative paths.

        Raises
        ------
        ConfigurationError
            If a pattern has nothing before the colon, or a name with double underscores around it.
        """
        names, files, commands = [], [], []
        for pattern in patterns:
            if pattern.startswith(COMMANDS):
                commands.append(_command_pattern(pattern.removeprefix(COMMANDS)))
                continue
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
                    f"--allow {pattern!r} has a name with double underscores around it, which belongs to "
                    "Python and never runs; name a function."
                )
            if is_file:
                files.append(Pattern.of(str(_resolved(folder / place)), name))
            elif pattern != ANY_BY_VALUE:
                names.append(Pattern.of(place, name))
        return cls(tuple(names), tuple(files), ANY_BY_VALUE in patterns, tuple(commands))

    def restrict(self, experiment: Experiment) -> Experiment:
        """Return the experiment with the one file for its objective that is allowed.

        Raises
        ------
        LoadError
            If its objective, or something that its space imports or calls, is not allowed.
        """
        found = references_of(experiment.space)
        refused = sorted(name for name in found.imports if not self._admits(name))
        if refused:
            raise _refusal(f"The search space imports {', '.join(refused)}, which")
        if found.unrestricted:
            operations = " and ".join(sorted(found.unrestricted))
            raise _refusal(f"The search space reaches functions through {operations}, which")
        return replace(experiment, objective=self._restricted(experiment.objective))

    @property
    def trust(self) -> Trust:
        """What a search space may import and compute."""
        return Trust(self._found, is_restricted=True)

    def check_loaded(self, ref: ObjectiveRef, objective: Any) -> None:
        """Check where an objective is defined that was imported under an allowed name.

        Parameters
        ----------
        ref : ObjectiveRef
            The allowed reference.
        objective : callable
            The imported object.

        Raises
        ------
        LoadError
            If only a wildcard matches the name, and the function is defined in another module, where it
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
        """Import what a search space refers to, if it is allowed."""
        if not self._admits(reference):
            raise _refusal(f"The search space imports {reference}, which")
        found = imported(reference, place)
        self._check_import(reference, found)
        return found

    def _check_import(self, reference: str, value: Any) -> None:
        is_own = defining_module(value) == reference.partition(":")[0]
        is_chosen = any(pattern.is_exact for pattern in self.names if pattern.matches(reference))
        self._check_defined(reference, value, is_admitted=is_own or is_chosen)

    def _check_defined(self, reference: str, value: Any, *, is_admitted: bool) -> None:
        """Raise unless a value is allowed where it was found or where it is defined."""
        home = f"{defining_module(value)}:{qualname_of(value)}"
        file = f"{_file_of(value)}:{qualname_of(value)}"
        if not (is_admitted or self._admits(home) or any(p.matches(file) for p in self.files)):
            raise LoadError(
                f"{reference} is defined elsewhere, as {home}, which is not allowed on this worker: a star "
                "after the colon allows only what the module itself defines; name the function in --allow."
            )

    def _admits(self, reference: str) -> bool:
        """Whether a pattern for modules matches the text of a reference."""
        return not _is_internal(reference) and any(pattern.matches(reference) for pattern in self.names)

    def _restricted(self, objective: ObjectiveRef) -> ObjectiveRef:
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
            case kind if kind == COMMAND:
                text = command_text(objective.command)
                if any(pattern.fullmatch(text) for pattern in self.commands):
                    return objective
        raise _refusal(f"The objective {objective.ref} of the kind {objective.kind!r}")


def _command_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern for the text of a command, in which ``*`` stands for any text."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def _resolved(path: Path) -> Path:
    """Resolve the symbolic links in the part of a path before its first wildcard."""
    n_plain = next((i for i, part in enumerate(path.parts) if re.search(r"[*?]", part)), len(path.parts))
    # Path.resolve raises for a cycle of links.
    return Path(os.path.realpath(Path(*path.parts[:n_plain])), *path.parts[n_plain:])


def _is_internal(reference: str) -> bool:
    """Whether a part of a name has double underscores around it: such attributes lead anywhere."""
    return any(part.startswith("__") and part.endswith("__") for part in re.split("[.:]", reference))


def _file_of(value: Any) -> str | None:
    """Return the file that defines a value, links resolved; None if unknown."""
    file = getattr(sys.modules.get(defining_module(value) or ""), "__file__", None)
    return os.path.realpath(file) if file else None


def _refusal(what: str) -> LoadError:
    return LoadError(f"{what} is not allowed on this worker: no --allow pattern matches it on this machine.")
