"""Hyperopt's ``utils``, which integrators import from."""

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
from hpsearch.hyperopt.engine.read_only_trials import pmin_sampled

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
    """Import the longest module name at the start of a split dotted name.

    Returns
    -------
    tuple
        The module, or None, and the remaining parts.
    """
    module = None
    for n in range(1, len(tokens) + 1):
        try:
            module = importlib.import_module(".".join(tokens[:n]))
        except ImportError:
            return module, list(tokens[n - 1 :])
    return module, []


def load_tokens(tokens: Sequence[str]) -> Any:
    """Return the object of a split dotted name: a module, or an attribute below one.

    Raises
    ------
    ImportError
        If the first part is not the name of a module.
    """
    found, rest = import_tokens(tokens)
    if found is None:
        raise ImportError(f"There is no module {tokens[0]!r}, the first part of {'.'.join(tokens)!r}.")
    for name in rest:
        found = getattr(found, name)
    return found


def json_lookup(json: str) -> Any:
    """Return the object of a dotted name such as ``"package.module.Class"``."""
    return load_tokens(json.split("."))


def json_call(json: Any, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """Call the object of a dotted name.

    Parameters
    ----------
    json : str or bytes
        The dotted name.
    args : iterable
        Positional arguments.
    kwargs : mapping, optional
        Keyword arguments.

    Raises
    ------
    NotImplementedError
        If ``json`` is a dict, list or tuple, as in Hyperopt.
    TypeError
        If it is any other type than str or bytes.
    """
    if isinstance(json, str | bytes):
        name = json.decode() if isinstance(json, bytes) else json
        return json_lookup(name)(*args, **(kwargs or {}))
    if isinstance(json, dict | list | tuple):
        raise NotImplementedError(f"The name of a function must be a str, not a {type(json).__name__}.")
    raise TypeError(f"The name of a function must be a str, not {json!r}.")


def get_obj(
    f: Any,
    argfile: str | None = None,
    argstr: bytes | None = None,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call the object of a dotted name, with arguments that may come from a pickle.

    Parameters
    ----------
    f : str
        The dotted name.
    argfile : path, optional
        File with a pickled dict of ``args`` and ``kwargs``. Must be trusted, since pickles run code.
    argstr : bytes, optional
        Content of such a file; ignored if ``argfile`` is given.
    args : tuple
        Positional arguments before those of the pickle.
    kwargs : dict, optional
        Keyword arguments, overridden by those of the pickle.
    """
    blob = argstr if argfile is None else Path(argfile).read_bytes()
    more = {} if blob is None else pickle.loads(blob)  # noqa: S301 - the caller's own file
    return json_call(f, (*args, *more.get("args", ())), {**(kwargs or {}), **more.get("kwargs", {})})


def fast_isin(X: ArrayLike, Y: ArrayLike) -> NDArray[np.bool_]:  # noqa: N803 - Hyperopt's names
    """Return whether each element of an array is in another array.

    Parameters
    ----------
    X : (n,) array-like
        Elements to test.
    Y : array-like
        Values to test against.
    """
    return np.isin(X, Y)


def get_most_recent_inds(obj: Iterable[Mapping[str, Any]]) -> NDArray[np.intp]:
    """Return the indexes of the latest version of each document, ordered by ``_id``.

    Parameters
    ----------
    obj : iterable of dict
        Documents with ``_id`` and ``version``; the last of equal versions counts.
    """
    docs = list(obj)
    order = sorted(range(len(docs)), key=lambda i: (docs[i]["_id"], int(docs[i]["version"])))
    latest = {docs[i]["_id"]: i for i in order}
    return np.array(list(latest.values()), dtype=np.intp)


#: Changes the working directory within the context.
working_dir = contextlib.chdir


def path_split_all(path: str | Path) -> Iterator[str]:
    """Return the parts of a path without the root."""
    parts = Path(path)
    return iter(part for part in parts.parts if part != parts.anchor)


def get_closest_dir(workdir: str) -> tuple[str, str]:
    """Return the deepest existing folder of a path, and the name of the first missing one below it.

    Raises
    ------
    ValueError
        If the whole path exists.
    """
    target = Path(workdir)
    missing = [path for path in (target, *target.parents) if not path.is_dir()]
    if not missing:
        raise ValueError(f"{workdir} exists already.")
    closest = missing[-1].parent
    return "" if closest == Path() else str(closest), missing[-1].name


@contextlib.contextmanager
def temp_dir(
    dir: str,  # noqa: A002 - Hyperopt's name
    erase_after: bool = False,
    with_sentinel: bool = True,
) -> Iterator[None]:
    """Create a folder and its parents for use within the context.

    Parameters
    ----------
    dir : str
        The folder; an existing one is used as it is and never removed.
    erase_after : bool
        Whether to remove the folder afterwards with its content, and its new parents if they are empty.
    with_sentinel : bool
        Whether to mark the topmost new folder with a file ``NAME.inuse`` beside it. Without the mark,
        new parents are not removed.

    Raises
    ------
    RuntimeError
        If the folder does not exist and its path contains ``..``.
    """
    target = Path(dir)
    if target.is_dir():
        yield
        return
    if os.pardir in target.parts:
        raise RuntimeError(f"{dir} cannot be created, since it contains '..'; use a path without it.")
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
    """Remove empty folders from ``lowest`` upwards, up to ``kept``."""
    while lowest != kept and not any(lowest.iterdir()):
        lowest.rmdir()
        lowest = lowest.parent
