"""Lets objectives import ``hyperopt`` where Hyperopt is not installed; they get ``hpsearch.hyperopt``.

The worker imports that package by name and only on demand: it lies beside the worker in the layers, and an
objective that never asks for it should not pay for the import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_NAME = "hyperopt"
_OURS = "hpsearch.hyperopt.engine.alias"


class _ImportHook(MetaPathFinder, Loader):
    """Finds our package under Hyperopt's name; the last finder, so an installed Hyperopt wins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname == _NAME else None

    def exec_module(self, module: ModuleType) -> None:
        # The import system keeps the module that is registered under the name when this returns.
        del sys.modules[_NAME]
        importlib.import_module(_OURS).alias_modules()


def install_hyperopt_import_hook() -> None:
    """Make ``import hyperopt`` return our package in this process, unless Hyperopt is installed.

    A script under ``python -m hpsearch.hyperopt`` sends objectives whose modules import ``hyperopt``, and the
    worker's machine need not have it.
    """
    if not any(isinstance(finder, _ImportHook) for finder in sys.meta_path):
        sys.meta_path.append(_ImportHook())
