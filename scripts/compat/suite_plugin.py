"""Plugin of pytest: lets Hyperopt's own tests, in a folder that a variable names, import our package."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

from suite_plugin_name import FOLDER

from hpsearch.hyperopt import install


def _import_tests(folder: Path) -> None:
    """Make the folder the package ``hyperopt.tests``, which ours does not have."""
    name = "hyperopt.tests"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    importlib.import_module("hyperopt").tests = package  # type: ignore[attr-defined]


def _add_private_names() -> None:
    """Give the names of the inside of Hyperopt's TPE, which a file of tests imports beside the public ones.

    What calls one of them fails; the other tests of the file run.
    """
    tpe = importlib.import_module("hyperopt.tpe")
    for name in ("GMM1", "GMM1_lpdf", "LGMM1", "LGMM1_lpdf", "adaptive_parzen_normal_orig"):
        if not hasattr(tpe, name):
            setattr(tpe, name, _private)


def _private(*args: object, **kwargs: object) -> object:
    raise NotImplementedError("a private helper of Hyperopt")


install()
_import_tests(Path(os.environ[FOLDER]))
_add_private_names()
