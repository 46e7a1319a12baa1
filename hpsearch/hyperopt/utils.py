"""Hyperopt's ``utils``: what integrators take from there."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.hyperopt.engine.documents import coarse_utcnow
from hpsearch.hyperopt.engine.domain import use_obj_for_literal_in_memo
from hpsearch.hyperopt.engine.statistics import pmin_sampled

__all__ = [
    "coarse_utcnow",
    "fast_isin",
    "get_closest_dir",
    "get_most_recent_inds",
    "get_obj",
    "import_tokens",
    "json_call",
    "json_lookup",
    "load_tokens",
    "path_split_all",
    "pmin_sampled",
    "temp_dir",
    "use_obj_for_literal_in_memo",
    "working_dir",
]


def import_tokens(tokens: Sequence[str]) -> tuple[Any, list[str]]:
    """Import the longest module that a dotted name begins with, given in parts.

    Returns
    -------
    tuple
        The module, None if there is none, and the parts that are left.
    """
    module = None
    for n in range(1, len(tokens) + 1):
        try:
            module = importlib.import_module(".".join(tokens[:n]))
        except ImportError:
            return module, list(tokens[n - 1 :])
    return module, []


def load_tokens(tokens: Sequence[str]) -> Any:
    """Return what a dotted name means, given in parts: a module, or an attribute below one.

    Raises
    ------
    ImportError
        If no module has the first part as its name.
    """
    found, rest = import_tokens(tokens)
    if found is None:
        raise ImportError(f"There is no module {tokens[0]!r}, which {'.'.join(tokens)!r} names.")
    for name in rest:
        found = getattr(found, name)
    return found


def json_lookup(json: str) -> Any:
    """Return what a dotted name means, such as ``"package.module.Class"``."""
    return load_tokens(json.split("."))


def json_call(json: Any, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """Call what a dotted name means.

    Raises
    ------
    NotImplementedError
        If it is a dict, a list or a tuple: no meaning was ever given to these.
    TypeError
        If it is no text either.
    """
    if isinstance(json, str | bytes):
        name = json.decode() if isinstance(json, bytes) else json
        return json_lookup(name)(*args, **(kwargs or {}))
    if isinstance(json, dict | list | tuple):
        raise NotImplementedError(f"A call is named by a text, not by a {type(json).__name__}.")
    raise TypeError(f"A call is named by a text, not by {json!r}.")


def get_obj(
    f: Any,
    argfile: str | None = None,
    argstr: bytes | None = None,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call what a dotted name means, with arguments that may come from a pickle.

    Parameters
    ----------
    f : str
        The name.
    argfile : path, optional
        A file with a pickled dict of ``args`` and ``kwargs``, to be trusted: pickles run code.
    argstr : bytes, optional
        The same as bytes; not used with ``argfile``.
    args : tuple
        Arguments before those.
    kwargs : dict, optional
        Arguments by name, which those replace.
    """
    blob = argstr if argfile is None else Path(argfile).read_bytes()
    more = {} if blob is None else pickle.loads(blob)  # noqa: S301 - the caller's own file
    return json_call(f, (*args, *more.get("args", ())), {**(kwargs or {}), **more.get("kwargs", {})})


def fast_isin(X: ArrayLike, Y: ArrayLike) -> NDArray[np.bool_]:  # noqa: N803 - Hyperopt's names
    """Return, for each element of an array, whether another one has it."""
    return np.isin(X, Y)


def get_most_recent_inds(obj: Iterable[Mapping[str, Any]]) -> NDArray[np.intp]:
    """Return the indexes of the last version of each document, in the order of their ``_id``.

    Parameters
    ----------
    obj : iterable of dict
        With ``_id`` and ``version``; of equal versions the last one counts.
    """
    docs = list(obj)
    order = sorted(range(len(docs)), key=lambda i: (docs[i]["_id"], int(docs[i]["version"])))
    latest = {docs[i]["_id"]: i for i in order}
    return np.array(list(latest.values()), dtype=np.intp)


@contextlib.contextmanager
def working_dir(dir: str | Path) -> Iterator[None]:  # noqa: A002 - Hyperopt's name, as below
    """Work in another folder meanwhile."""
    with contextlib.chdir(dir):
        yield


def path_split_all(path: str | Path) -> Iterator[str]:
    """Return the parts of a path, without the root."""
    parts = Path(path)
    return iter(part for part in parts.parts if part != parts.anchor)


def get_closest_dir(workdir: str) -> tuple[str, str]:
    """Return the longest part of a path that is a folder, and the name of what is not there below it.

    Raises
    ------
    ValueError
        If all of it is there.
    """
    target = Path(workdir)
    missing = [path for path in (target, *target.parents) if not path.is_dir()]
    if not missing:
        raise ValueError(f"All of {workdir} is there.")
    closest = missing[-1].parent
    return "" if closest == Path() else str(closest), missing[-1].name


@contextlib.contextmanager
def temp_dir(
    dir: str,  # noqa: A002
    erase_after: bool = False,
    with_sentinel: bool = True,
) -> Iterator[None]:
    """Make a folder, and those above it, for as long as it is used.

    Parameters
    ----------
    dir : str
        The folder; one that is there already stays.
    erase_after : bool
        Whether to remove it afterwards with all that it holds, and those above it that were made, too.
    with_sentinel : bool
        Whether a file ``NAME.inuse`` beside the topmost new folder says so meanwhile; without it,
        only the innermost folder is removed.

    Raises
    ------
    RuntimeError
        If a new folder has ``..`` in its path.
    """
    target = Path(dir)
    if target.is_dir():
        yield
        return
    if os.pardir in target.parts:
        raise RuntimeError(f"{dir} is not made, since it leads through '..'; give a path without it.")
    closest, name = get_closest_dir(dir)
    sentinel = Path(closest, f"{name}.inuse") if erase_after and with_sentinel else None
    if sentinel is not None:
        sentinel.touch()
    target.mkdir(parents=True)
    try:
        yield
    finally:
        if erase_after:
            shutil.rmtree(target)
        if sentinel is not None:
            _remove_empty(target.parent, Path(closest))
            sentinel.unlink()


def _remove_empty(lowest: Path, kept: Path) -> None:
    """Remove a folder and those above it, up to one that stays or is not empty."""
    while lowest != kept and not any(lowest.iterdir()):
        lowest.rmdir()
        lowest = lowest.parent
