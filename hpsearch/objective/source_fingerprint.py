"""A fingerprint of the source code of an objective on this machine.

An experiment stores two digests: of the text of the objective's file, and of the code of the function with
everything that it uses there and in modules of the same program (see ``code_slice``). Only the second must
agree. Installed packages do not count, except the one that contains the objective.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from itertools import islice
from pathlib import Path

from hpsearch.core.experiment import MAX_PARTS, ObjectiveRef
from hpsearch.objective.code_slice import Source, slice_digests
from hpsearch.objective.loading import files_of

#: Folders of installed packages.
_INSTALLED = frozenset({"site-packages", "dist-packages"})

#: Our own modules belong to no program, wherever they are.
_OURS = frozenset({"hpsearch", "hpsearch_worker"})

#: Module name of the objective's file within its program.
_FILE = "<file>"


def fingerprinted(ref: ObjectiveRef) -> ObjectiveRef:
    """Return a reference with the fingerprint of its code; the objective must be imported already.

    Without source, as for a compiled module, the reference has no fingerprint.
    """
    bare = replace(ref, fingerprint=None, source=None, parts={})
    place, _, name = ref.ref.partition(":")
    module = _FILE if ref.kind == "file" else place
    program = _program_of(bare, place)
    root = None if program is None else program.source(module)
    if program is None or root is None:
        return bare
    try:
        parts = slice_digests(module, name.partition(".")[0], program.source)
    except (SyntaxError, ValueError, RecursionError):
        return bare
    kept = islice(((part, digest) for part, digest in parts.items() if part.isprintable()), MAX_PARTS)
    return replace(bare, fingerprint=_sha(repr(parts)), source=_sha(root.text), parts=dict(kept))


@dataclass(frozen=True, slots=True)
class _Program:
    """The modules that belong to an objective: those of its folder, or of its package."""

    home: Path  #: the folder of its file or its package
    package: str | None  #: the package that contains it
    file: Path | None  #: its file, if it was not imported by a module's name

    def source(self, module: str) -> Source | None:
        """Return the source of a module; None if it does not belong to the program."""
        if module == _FILE:
            return None if self.file is None else _read(self.file, None)
        top = module.partition(".")[0]
        if top in _OURS:
            return None
        spec = _spec_of(module)
        path = _path_of(spec)
        if spec is None or path is None or not (top == self.package or self._is_home(path)):
            return None
        return _read(path, spec.parent)

    def _is_home(self, path: Path) -> bool:
        if self.home.name in _INSTALLED or not path.is_relative_to(self.home):
            return False
        return _INSTALLED.isdisjoint(path.relative_to(self.home).parts)


def _program_of(ref: ObjectiveRef, place: str) -> _Program | None:
    if ref.kind == "file":
        files = files_of(ref)
        return _Program(files[0].parent, None, files[0]) if files else None
    top = place.partition(".")[0]
    path = _path_of(_spec_of(top)) or _path_of(_spec_of(place))
    if ref.kind != "import" or path is None:
        return None
    folder = path.parent.parent if path.name == "__init__.py" else path.parent
    return _Program(folder, top, None)


def _spec_of(module: str) -> ModuleSpec | None:
    """Return the spec of a module, without importing it or its package."""
    modules: Mapping[str, object] = sys.modules
    if module in modules:
        spec: ModuleSpec | None = getattr(modules[module], "__spec__", None)
        return spec
    package = module.rpartition(".")[0]
    if package and not hasattr(modules.get(package), "__path__"):
        return None
    try:
        return importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None


def _path_of(spec: ModuleSpec | None) -> Path | None:
    """Return the file of a Python module."""
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return Path(os.path.realpath(spec.origin))


def _read(path: Path, package: str | None) -> Source | None:
    """Read a Python file, with normalized line ends; None if that fails."""
    try:
        with tokenize.open(path) as file:
            return Source(file.read(), package)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
