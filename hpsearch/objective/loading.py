"""Loads an objective by name from this machine's disk.

Code never comes from the database: an experiment holds a name, and each worker imports that name from its own
disk. A target is ``file.py:name`` or ``package.module:name``; the default name is ``objective``, and the
search space is the attribute ``space`` of the same module.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from hpsearch.core.experiment import ObjectiveRef
from hpsearch.errors import LoadError
from hpsearch.objective.space_table import SUFFIXES, read_space
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.user_paths import current_folder

Objective = Callable[[Any], Any]

DEFAULT_OBJECTIVE = "objective"
DEFAULT_SPACE = "space"

#: The kind of a space in a TOML or JSON file; no experiment has an objective of this kind.
_TABLE = "table"


def parse_target(target: str, default_name: str = DEFAULT_OBJECTIVE) -> ObjectiveRef:
    """Parse ``file.py[:name]`` or ``package.module[:name]``.

    Parameters
    ----------
    target : str
        The text; a relative path starts in the current folder.
    default_name : str
        Name if the text has none.

    Raises
    ------
    LoadError
        If the text is neither.
    """
    place, _, name = target.partition(":")
    name = name or default_name
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadError(f"{target!r}: {name!r} is not a name; write file.py:name or package.module:name.")
    if place.endswith(".py"):
        return ObjectiveRef(kind="file", ref=f"{place}:{name}", path=os.path.realpath(place))
    if all(part.isidentifier() for part in place.split(".")):
        return ObjectiveRef(kind="import", ref=f"{place}:{name}")
    raise LoadError(
        f"{target!r} is neither a Python file nor a module; write file.py:name or package.module:name."
    )


def load_objective(ref: ObjectiveRef) -> Objective:
    """Import the objective on this machine.

    Raises
    ------
    LoadError
        If the file, the module, one of its imports, or the name is missing, or the name is no function.
    """
    objective = load(ref)
    if not callable(objective):
        raise LoadError(f"{ref.ref} is a {type(objective).__name__}, not a function of the configuration.")
    found: Objective = objective
    return found


def parse_space(target: ObjectiveRef | None, space_ref: str | None) -> ObjectiveRef:
    """Return the reference of the search space; by default, ``space`` in the objective's module.

    Call it before anything is imported, since an import may change the current folder.

    Parameters
    ----------
    target : ObjectiveRef, optional
        The objective, if it is a function.
    space_ref : str, optional
        ``name`` (in the objective's module), ``file.py:name``, ``package.module:name``, ``file.toml`` or
        ``file.json``.
    """
    ref = space_ref or DEFAULT_SPACE
    if os.path.splitext(ref)[1] in SUFFIXES:  # noqa: PTH122 - a text that need be no path
        return ObjectiveRef(kind=_TABLE, ref=ref, path=os.path.realpath(ref))
    if target is not None and ":" not in ref and not ref.endswith(".py"):
        beside = parse_target(f"{target.ref.partition(':')[0]}:{ref}")
        return replace(beside, path=target.path)
    return parse_target(ref, DEFAULT_SPACE)


def load(ref: ObjectiveRef) -> Any:
    """Import the object that a reference names."""
    place, _, name = ref.ref.partition(":")
    match ref.kind:
        case kind if kind == _TABLE and ref.path is not None:
            return read_space(ref.path)
        case "file":
            module = _module_from_file(_find_file(ref))
        case "import":
            module = _module_by_name(place)
        case _:
            raise LoadError(
                f"The objective {ref.ref} is of the kind {ref.kind!r}, which this version cannot load."
            )
    return _attribute(module, name, ref.ref)


def files_of(ref: ObjectiveRef) -> list[Path]:
    """Return the files that may contain an objective on this machine, links resolved, the likeliest first."""
    # Path's methods raise for a folder without access, an impossible file name, and a cycle of links.
    return [Path(os.path.realpath(place)) for place in _places(ref) if os.path.isfile(place)]  # noqa: PTH113


def put_on_path(folder: Path | None) -> None:
    """Append a folder to the import path; None is a folder that was deleted.

    It goes last, so that a user's ``token.py`` or ``numpy.py`` does not hide the module that hpsearch, or a
    library of the objective, imports under that name.
    """
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))


def _find_file(ref: ObjectiveRef) -> Path:
    found = files_of(ref)
    if found:
        return found[0]
    place, tried = ref.ref.partition(":")[0], ", ".join(dict.fromkeys(map(str, _places(ref))))
    raise LoadError(
        f"There is no file {place} on this machine (tried {tried}); copy it here or start in its folder."
    )


def _places(ref: ObjectiveRef) -> list[Path]:
    """Return the possible paths of an objective's file, the likeliest first.

    First its paths when the experiment was joined, the latest first, and when it was created; then below the
    current folder, by path and by name.
    """
    place = Path(ref.ref.partition(":")[0])
    absolute = [Path(known) for known in (*ref.paths, ref.path) if known]
    folder = current_folder()
    return absolute if folder is None else [*absolute, folder / place, folder / place.name]


def _module_from_file(path: Path) -> ModuleType:
    """Import a file once, under its own name if that is free, with its folder and this one on the path."""
    put_on_path(path.parent)
    put_on_path(current_folder())
    for name in _names_for(path):
        present = sys.modules.get(name)
        if present is None:
            break
        if _file_of(present) == path:
            return present
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with program_named(str(path)):
            spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        raise _load_error(str(path), error, path.parent) from error
    return module


def _module_by_name(name: str) -> ModuleType:
    folder = current_folder()
    put_on_path(folder)
    try:
        with program_named(name):
            return importlib.import_module(name)
    except BaseException as error:
        raise _load_error(name, error, folder) from error


@contextmanager
def program_named(name: str) -> Iterator[None]:
    """Set ``sys.argv`` to a program without arguments, to hide the arguments of hpsearch from user code."""
    argv, sys.argv = sys.argv, [name]
    try:
        yield
    finally:
        sys.argv = argv


def _load_error(what: str, error: BaseException, folder: Path | None) -> BaseException:
    """Return the error for a failed import; a KeyboardInterrupt is returned unchanged."""
    if isinstance(error, KeyboardInterrupt):
        return error
    if isinstance(error, SystemExit):
        return LoadError(
            f"{what} cannot be imported, since it ends the program ({reason(error)}): "
            "put the code of the program under `if __name__ == '__main__':`."
        )
    if isinstance(error, ModuleNotFoundError) and not _is_hidden(error.name, folder):
        return LoadError(
            f"{what} cannot be imported here: the module {error.name!r} is not installed or not on the path."
        )
    hidden = [name for name in _names_in(error) if _is_hidden(name, folder)]
    hint = (
        f" The module {hidden[0]!r} of {folder} is hidden by another module of that name: rename it."
        if hidden
        else ""
    )
    return LoadError(f"{what} cannot be imported: {reason(error)}{hint}")


def _names_in(error: BaseException) -> Iterator[str]:
    """Yield the modules to which an import error or an attribute error refers."""
    name = getattr(error, "name", None)
    owner = getattr(error, "obj", None)
    for found in (name if isinstance(error, ImportError) else None, getattr(owner, "__name__", None)):
        if isinstance(found, str):
            yield found.partition(".")[0]


def _is_hidden(name: str | None, folder: Path | None) -> bool:
    """Whether a folder has a module of a name, but another module was imported under that name."""
    if folder is None:
        return False
    name = (name or "").partition(".")[0]
    present = sys.modules.get(name)
    own = [Path(os.path.realpath(folder / place)) for place in (f"{name}.py", f"{name}/__init__.py")]
    return present is not None and any(map(os.path.isfile, own)) and _file_of(present) not in own


def _attribute(module: ModuleType, name: str, ref: str) -> Any:
    value: Any = module
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            close = difflib.get_close_matches(part, [n for n in dir(value) if not n.startswith("_")], n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise LoadError(f"{ref}: there is no {part!r} in {module.__name__}.{hint}") from None
        except Exception as error:
            raise LoadError(
                f"{ref}: {part!r} in {module.__name__} cannot be read: {reason(error)}"
            ) from error
    return value


def _names_for(path: Path) -> Iterator[str]:
    """Yield module names for a file without end: its own name first, unless another module has it."""
    if not _is_taken(path):
        yield path.stem
    yield f"{path.stem}_of_{path.parent.name}"
    yield from (f"{path.stem}_of_{path.parent.name}_{i}" for i in count(2))


def _is_taken(path: Path) -> bool:
    """Whether another module, imported or not, has the name of a file."""
    if path.stem in sys.modules or "." in path.stem:
        return False  # an imported module is compared with the file; no import finds a name with a dot
    try:
        spec = importlib.util.find_spec(path.stem)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and Path(os.path.realpath(spec.origin)) != path


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(os.path.realpath(file)) if file else None
