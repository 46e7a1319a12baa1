"""Let our package answer to the name ``hyperopt``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from hpsearch.errors import ConfigurationError

#: The package that stands in.
_PACKAGE = "hpsearch.hyperopt"

#: What needs an optional package, and is imported when it is asked for.
_ON_DEMAND = frozenset({f"{_PACKAGE}.__main__", f"{_PACKAGE}.sklearn.search"})


def install() -> None:
    """Make ``import hyperopt``, and of each of its modules, give ours from now on in this process.

    Call it before anything imports Hyperopt. Both names then give the same module objects,
    so that classes and exceptions are the same under either.

    Raises
    ------
    ConfigurationError
        If Hyperopt itself was imported already: its classes would mix with ours.
    """
    package = importlib.import_module(_PACKAGE)
    present = sys.modules.get("hyperopt")
    if present is package:
        return
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
