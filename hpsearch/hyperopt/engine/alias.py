"""Let our package answer to the name ``hyperopt``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings

from hpsearch.errors import ConfigurationError, HpsearchWarning
from hpsearch.hyperopt import exceptions
from hpsearch.hyperopt.engine.child_processes import offer_to_children
from hpsearch.hyperopt.engine.trials import Trials

#: The package that stands in.
_PACKAGE = "hpsearch.hyperopt"

#: What needs an optional package, and is imported when it is asked for.
_ON_DEMAND = frozenset({f"{_PACKAGE}.__main__", f"{_PACKAGE}.sklearn.search"})


def install() -> None:
    """Make ``import hyperopt``, and of each of its modules, give ours from now on.

    Call it before anything imports Hyperopt. Both names then give the same module objects, so that
    classes and exceptions are the same under either. The same holds in processes that this one
    starts, and there the command ``hyperopt-mongo-worker`` is our worker; where ``HPSEARCH_HOME`` cannot be
    used, a warning says that these import what they find.

    Raises
    ------
    ConfigurationError
        If Hyperopt itself was imported already: its classes would mix with ours.
    """
    if alias_modules():
        try:
            offer_to_children()
        except (ConfigurationError, OSError) as error:
            # A script that starts no processes needs no folder, and may run where none can be written.
            text = f"Processes that this one starts import the hyperopt that they find: {error}"
            warnings.warn(text, HpsearchWarning, stacklevel=2)


def alias_modules() -> bool:
    """Do as ``install``, in this process only; return whether that was not done before."""
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
    # Pickles name a class by its module: those of these can be read where Hyperopt itself is installed.
    Trials.__module__ = "hyperopt.base"
    for error in vars(exceptions).values():
        if isinstance(error, type) and error.__module__ == exceptions.__name__:
            error.__module__ = "hyperopt.exceptions"
    return True
