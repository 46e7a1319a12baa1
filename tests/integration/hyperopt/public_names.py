"""Print as JSON the public names of each module of a package.

A name counts if the package defines it or if it is plain data, but not if a module only imports it.
"""

import importlib
import inspect
import json
import logging
import pkgutil
import sys
import warnings
from typing import Any


def is_public(name: str, value: Any, package: str) -> Any:
    if name.startswith("_") or inspect.ismodule(value) or isinstance(value, logging.Logger):
        return False
    if isinstance(value, (bool, int, float, str, tuple, list, dict, set)):
        return True
    home = getattr(value, "__module__", None) or type(value).__module__
    return home.partition(".")[0] == package


def names_of(package: str) -> dict[str, list[str]]:
    found = {}
    root = importlib.import_module(package)
    modules = [package, *(module.name for module in pkgutil.walk_packages(root.__path__, f"{package}."))]
    for module in modules:
        if ".tests" in module or module.endswith(".__main__"):
            continue
        try:
            imported = importlib.import_module(module)
        except ImportError:
            continue  # Hyperopt's own `main` cannot be imported
        found[module.partition(".")[2]] = sorted(
            name for name in dir(imported) if is_public(name, getattr(imported, name), package)
        )
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump(names_of("hyperopt"), sys.stdout)
