"""Make this package importable as ``hyperopt``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings

from hpsearch.errors import ConfigurationError, HpsearchWarning
from hpsearch.hyperopt import exceptions
from hpsearch.hyperopt.engine.child_processes import offer_to_children
from hpsearch.hyperopt.engine.trials import Trials

#: The package that replaces Hyperopt.
_PACKAGE = "hpsearch.hyperopt"

#: Modules that need an optional package, or run a command: they are imported on use.
_ON_DEMAND = frozenset({f"{_PACKAGE}.__main__", f"{_PACKAGE}.sklearn.search"})


def install() -> None:
    """Make ``import hyperopt``, and of its modules, import this package from now on.

    Call it before anything imports Hyperopt. Both names then refer to the same module objects, classes and
    exceptions. It also applies to child processes, in which the command ``hyperopt-mongo-worker`` is our
    worker; if ``HPSEARCH_HOME`` is not usable, a warning says that they do not.

    Raises
    ------
    ConfigurationError
        If Hyperopt has already been imported: its classes would mix with ours.
    """
    if alias_modules():
        try:
            offer_to_children()
        except (ConfigurationError, OSError) as error:
            # A script without child processes needs no folder, and may run where none is writable.
            text = f"Child processes do not import hpsearch as hyperopt: {error}"
            warnings.warn(text, HpsearchWarning, stacklevel=2)


def alias_modules() -> bool:
    """Do as ``install`` in this process only; return False if it was done before."""
    package = importlib.import_module(_PACKAGE)
    present = sys.modules.get("hyperopt")
    if present is package:
        return False
    if present is not None:
        raise ConfigurationError(
            "hpsearch.hyperopt.install() came too late: hyperopt was imported already, "
            f"from {getattr(present, '__file__', 'nowhere')}; call it first."
        )
    for module in pkgutil.walk_packages(package.__path__, f"{_PACKAGE}."):
        if module.name not in _ON_DEMAND:
            importlib.import_module(module.name)
    for name, imported in list(sys.modules.items()):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            sys.modules[name.removeprefix("hpsearch.")] = imported
    # A pickle refers to a class by module and name: with these, Hyperopt itself can read our pickles.
    Trials.__module__ = "hyperopt.base"
    for error in vars(exceptions).values():
        if isinstance(error, type) and error.__module__ == exceptions.__name__:
            error.__module__ = "hyperopt.exceptions"
    return True
