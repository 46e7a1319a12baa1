"""Lets objectives of Hyperopt's users import ``hyperopt`` where that is not installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_NAME = "hyperopt"

#: Loaded only when an objective asks for it: a worker by itself needs nothing of our drop-in.
_OURS = "hpsearch.hyperopt.engine.alias"


class _ImportHook(MetaPathFinder, Loader):
    """Finds our package under Hyperopt's name, after everybody else found nothing."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname == _NAME else None

    def exec_module(self, module: ModuleType) -> None:
        # The import system keeps whatever stands under the name once this returns.
        del sys.modules[_NAME]
        importlib.import_module(_OURS).alias_modules()


def install_hyperopt_import_hook() -> None:
    """From now on let ``import hyperopt`` give ours in this process, unless Hyperopt is installed.

    A script that runs under ``python -m hpsearch.hyperopt`` sends an objective whose modules
    say ``import hyperopt``, and the machine of the worker need not have it.
    """
    if not any(isinstance(finder, _ImportHook) for finder in sys.meta_path):
        sys.meta_path.append(_ImportHook())
