"""Check that public functions document their parameters, by the rules of numpydoc.

``python scripts/docstrings.py [MODULE ...]`` imports the given modules and packages (default: both of ours)
and prints one line for each public callable with two or more arguments whose docstring has no complete
Parameters section. The exit code is then 1. The docstring of a class documents the arguments of ``__init__``.

Not checked are private names, tests, click commands, generated constructors (dataclasses describe their
fields with ``#:``), and methods that a base class or a Protocol documents already.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

PACKAGES = ("hpsearch", "hpsearch_worker")

#: Unknown and misplaced sections; missing, unknown, reordered and empty parameters; an empty Returns.
CODES = frozenset({"GL06", "GL07", "GL08", "PR01", "PR02", "PR03", "PR05", "PR07", "PR10", "RT03"})


def main(names: Sequence[str]) -> int:
    """Print what is missing in the modules and packages; return the exit code."""
    modules = [module for name in names or PACKAGES for module in with_submodules(name)]
    # Classes implement most Protocols without naming them, so all that were imported count.
    protocols = [
        value
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in PACKAGES
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == name and getattr(value, "_is_protocol", False)
    ]
    n_incomplete = 0
    for module in modules:
        for documented, signed in callables(module, protocols):
            if inspect.getfile(signed) != module.__file__ or n_arguments(signed) < 2:
                continue
            errors = [text for code, text in validate(get_doc_object(documented))["errors"] if code in CODES]
            if errors:
                n_incomplete += 1
                path = Path(inspect.getfile(signed)).relative_to(Path.cwd())
                place = f"{path}:{signed.__code__.co_firstlineno}"
                print(f"{place} {module.__name__}.{documented.__qualname__}: {'; '.join(errors)}")
    return 1 if n_incomplete else 0


def with_submodules(name: str) -> Iterator[ModuleType]:
    """Import a module and, if it is a package, every public module in it."""
    module = importlib.import_module(name)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if not found.name.rpartition(".")[2].startswith("_"):
            yield from with_submodules(found.name)


def callables(module: ModuleType, protocols: Sequence[type]) -> Iterator[tuple[Any, FunctionType]]:
    """Yield each callable of a module: the object with the docstring, and the function with the arguments."""
    for name, value in vars(module).items():
        if name.startswith(("_", "test_")) or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield from _constructor(value)
            yield from _methods(value, [p for p in protocols if p is not value and _implements(value, p)])
        elif inspect.isfunction(function := inspect.unwrap(value)) and name == function.__name__:
            yield function, function


def n_arguments(function: FunctionType) -> int:
    """Count the arguments but ``self`` and ``cls``."""
    return len([name for name in inspect.signature(function).parameters if name not in ("self", "cls")])


def _constructor(owner: type) -> Iterator[tuple[Any, FunctionType]]:
    for name in ("__init__", "__new__"):
        written = getattr(vars(owner).get(name), "__func__", vars(owner).get(name))
        if inspect.isfunction(written):
            yield owner, written


def _methods(owner: type, protocols: Sequence[type]) -> Iterator[tuple[Any, FunctionType]]:
    for name, value in vars(owner).items():
        method = inspect.unwrap(getattr(value, "__func__", value))
        parents = [*owner.__mro__[1:], *protocols]
        is_inherited = any(getattr(vars(parent).get(name), "__doc__", None) for parent in parents)
        if inspect.isfunction(method) and not name.startswith(("_", "test_")) and not is_inherited:
            yield method, method


def _implements(owner: type, protocol: type) -> bool:
    return all(hasattr(owner, n) for n, v in vars(protocol).items() if callable(v) and not n.startswith("_"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
