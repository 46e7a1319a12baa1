"""What the functions of a graph compute, by name: Hyperopt's, and those of our own spaces."""

from __future__ import annotations

import copy
import operator
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hpsearch.hyperopt.pyll import draws
from hpsearch.space.operations import OPERATIONS


class Info(NamedTuple):
    """What a graph knows of a function."""

    o_len: int | None = None  #: the number of its results, where that is fixed
    is_pure: bool = False  #: whether equal calls may be merged


def call(fn: Callable[..., Any], args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """Call a function that is itself a value of the graph."""
    return fn(*args, **(kwargs or {}))


def callpipe1(fn_list: Iterable[Callable[[Any], Any]], arg: Any) -> Any:
    """Pass a value through functions of one argument, one after the other."""
    for fn in fn_list:
        arg = fn(arg)
    return arg


def pos_args(*args: Any) -> tuple[Any, ...]:
    """Return the arguments as a tuple."""
    return args


def identity(obj: Any) -> Any:
    """Return the argument."""
    return obj


def hyperopt_param(label: str, obj: Any) -> Any:
    """Return the value of a parameter; the label names it in a search."""
    return obj


def switch(pos: Any, *args: Any) -> Any:
    """Return one of several values. ``rec_eval`` computes only that one."""
    return args[int(pos)]


def exp(a: Any) -> Any:
    """Return the exponential."""
    return np.exp(a)


def log(a: Any) -> Any:
    """Return the natural logarithm."""
    return np.log(a)


def sqrt(x: Any) -> Any:
    """Return the square root."""
    return np.sqrt(x)


def sin(a: Any) -> Any:
    """Return the sine."""
    return np.sin(a)


def cos(a: Any) -> Any:
    """Return the cosine."""
    return np.cos(a)


def tan(a: Any) -> Any:
    """Return the tangent."""
    return np.tan(a)


def pow(a: Any, b: Any) -> Any:  # noqa: A001 - the name that scripts use, as below
    """Return ``a`` to the power of ``b``."""
    return a**b


def sum(x: Any, axis: int | None = None) -> Any:  # noqa: A001
    """Return the sum of an array, or along one of its axes."""
    return np.sum(x, axis=axis)


def minimum(x: Any, y: Any) -> Any:
    """Return the smaller one, element by element."""
    return np.minimum(x, y)


def maximum(x: Any, y: Any) -> Any:
    """Return the larger one, element by element."""
    return np.maximum(x, y)


def asarray(a: Any, dtype: Any = None) -> Any:
    """Return a value as a NumPy array."""
    return np.asarray(a, dtype=dtype)


def array_union1(args: Iterable[Any]) -> Any:
    """Return the distinct members of several collections as an array, sorted where they can be."""
    members = dict.fromkeys(member for collection in args for member in collection)
    try:
        return np.asarray(sorted(members))
    except TypeError:  # numbers of trials may be of several types
        mixed = np.empty(len(members), dtype=object)
        mixed[:] = list(members)
        return mixed


def array_union(*args: Any) -> Any:
    """Return the distinct members of the arguments as an array; see ``array_union1``."""
    return array_union1(args)


def bincount(x: Any, offset: int = 0, weights: Any = None, minlength: int = 0, p: Any = None) -> Any:
    """Count the occurrences of each integer from ``offset`` on.

    Parameters
    ----------
    x : (n,) array-like
        Integers, none below ``offset``.
    offset : int
        The integer that the first count is of.
    weights : (n,) array-like, optional
        What each occurrence counts.
    minlength : int
        The least number of counts.
    p : (n, k) array, optional
        The same probabilities in each row: there are at least ``k`` counts then.
    """
    if p is not None and np.ndim(p) == 2:
        minlength = np.shape(p)[1]
    return np.bincount(np.asarray(x, dtype=int) - offset, weights, minlength)


def repeat(n_times: int, obj: Any) -> list[Any]:
    """Return a list that holds an object several times."""
    return [obj] * int(n_times)


def str_join(s: str, seq: Iterable[str]) -> str:
    """Return texts joined by another."""
    return s.join(seq)


def call_method(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a value, by its name."""
    return getattr(obj, methodname)(*args, **kwargs)


def call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Do as ``call_method``, for a method that changes nothing."""
    return call_method(obj, methodname, *args, **kwargs)


def copy_call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a copy of a value."""
    return call_method(copy.copy(obj), methodname, *args, **kwargs)


def Raise(etype: Callable[..., BaseException], *args: Any, **kwargs: Any) -> Any:  # noqa: N802
    """Raise an exception: for an option that must not be chosen."""
    raise etype(*args, **kwargs)


def curtime(obj: Any) -> tuple[float, Any]:
    """Return the time in seconds, and the argument."""
    return time.time(), obj


def pdb_settrace(obj: Any) -> Any:
    """Stop in the debugger, and return the argument."""
    breakpoint()
    return obj


def vchoice_split(idxs: Sequence[Any], choices: Sequence[int], n_options: int) -> list[list[Any]]:
    """Return, for each option, the trials that chose it.

    Raises
    ------
    ValueError
        If there are more choices than trials, or fewer.
    """
    if len(idxs) != len(choices):
        raise ValueError(f"vchoice_split got {len(idxs)} trials, but {len(choices)} choices.")
    split: list[list[Any]] = [[] for _ in range(n_options)]
    for idx, choice in zip(idxs, choices, strict=True):
        split[int(choice)].append(idx)
    return split


def vchoice_merge(idxs: Sequence[Any], choices: Sequence[int], *vals: Any) -> list[Any]:
    """Return, for each trial, its value under the option that it chose.

    ``vals`` holds a pair (trials, values) for each option.
    """
    tables = [_by_trial(*pair) for pair in vals]
    return [tables[int(choice)][idx] for idx, choice in zip(idxs, choices, strict=True)]


def idxs_map(idxs: Sequence[Any], cmd: str, *args: Any, **kwargs: Any) -> list[Any]:
    """Return, for each trial, what a function of the graph gives.

    Each argument is a pair (trials, values), which may hold more trials than are wanted.
    """
    function = FUNCTIONS[cmd]
    by_position = [_by_trial(*pair) for pair in args]
    by_name = {name: _by_trial(*pair) for name, pair in kwargs.items()}
    return [
        function(
            *(table[idx] for table in by_position), **{name: table[idx] for name, table in by_name.items()}
        )
        for idx in idxs
    ]


def idxs_take(idxs: Sequence[Any], vals: Sequence[Any], which: Sequence[Any]) -> Any:
    """Return the values of some of the trials, in their order, as an array."""
    table = _by_trial(idxs, vals)
    return np.asarray([table[idx] for idx in which])


def uniq(lst: Iterable[Any]) -> list[Any]:
    """Return the distinct objects of a list, the first of each."""
    return list({id(item): item for item in lst}.values())


def _by_trial(idxs: Sequence[Any], vals: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(idxs, vals, strict=True))


_PURE: tuple[Callable[..., Any], ...] = (
    pos_args,
    identity,
    switch,
    exp,
    log,
    sqrt,
    sin,
    cos,
    tan,
    pow,
    sum,
    minimum,
    maximum,
    asarray,
    array_union1,
    array_union,
    bincount,
    repeat,
    str_join,
    call_method_pure,
    copy_call_method_pure,
    Raise,
    vchoice_split,
    vchoice_merge,
    idxs_map,
    idxs_take,
    uniq,
)
_IMPURE: tuple[Callable[..., Any], ...] = (
    call,
    callpipe1,
    call_method,
    pdb_settrace,
    hyperopt_param,
    draws.rng_from_seed,
    draws.uniform,
    draws.loguniform,
    draws.quniform,
    draws.qloguniform,
    draws.normal,
    draws.qnormal,
    draws.lognormal,
    draws.qlognormal,
    draws.randint,
    draws.categorical,
    draws.randint_via_categorical,
)

#: The functions by name. Scripts add to it through ``scope.define``.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: function for name, function in OPERATIONS.items() if name != "partial"},
    "dict": dict,
    "map": map,
    "getitem": operator.getitem,
    "curtime": curtime,
    **{function.__name__: function for function in (*_PURE, *_IMPURE)},
}

#: What a graph knows of them; nothing of those that are not here.
INFOS: dict[str, Info] = {
    **{name: Info(is_pure=True) for name in FUNCTIONS},
    **{function.__name__: Info() for function in _IMPURE},
    "map": Info(),
    "curtime": Info(o_len=2),
}
