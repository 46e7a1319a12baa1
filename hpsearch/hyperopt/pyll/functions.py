"""The functions that graph nodes apply, by name: Hyperopt's and the operations of our spaces."""

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
    """Properties of a function."""

    o_len: int | None = None  #: number of results, if fixed
    is_pure: bool = False  #: whether equal calls may be merged


def call(fn: Callable[..., Any], args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """Call a function that is a value of the graph.

    Parameters
    ----------
    fn : callable
        The function.
    args : iterable
        Positional arguments.
    kwargs : mapping, optional
        Keyword arguments.
    """
    return fn(*args, **(kwargs or {}))


def callpipe1(fn_list: Iterable[Callable[[Any], Any]], arg: Any) -> Any:
    """Apply functions of one argument to a value, one after another.

    Parameters
    ----------
    fn_list : iterable of callable
        The functions, first to last.
    arg : any
        Argument of the first.
    """
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
    """Return the value of a parameter.

    Parameters
    ----------
    label : str
        Name of the parameter in a search.
    obj : any
        Value drawn from its distribution.
    """
    return obj


def switch(pos: Any, *args: Any) -> Any:
    """Return one of several values; ``rec_eval`` evaluates only that one.

    Parameters
    ----------
    pos : int
        Index of the value.
    *args
        The values.
    """
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
    """Return ``a ** b``.

    Parameters
    ----------
    a, b : number or array
        Base and exponent.
    """
    return a**b


def sum(x: Any, axis: int | None = None) -> Any:  # noqa: A001
    """Return the sum of an array.

    Parameters
    ----------
    x : array-like
        The numbers.
    axis : int, optional
        Axis to sum over; all axes by default.
    """
    return np.sum(x, axis=axis)


def minimum(x: Any, y: Any) -> Any:
    """Return the element-wise minimum.

    Parameters
    ----------
    x, y : array-like
        Arrays of compatible shapes.
    """
    return np.minimum(x, y)


def maximum(x: Any, y: Any) -> Any:
    """Return the element-wise maximum.

    Parameters
    ----------
    x, y : array-like
        Arrays of compatible shapes.
    """
    return np.maximum(x, y)


def asarray(a: Any, dtype: Any = None) -> Any:
    """Return a value as a NumPy array.

    Parameters
    ----------
    a : array-like
        The value.
    dtype : dtype, optional
        Type of the elements; inferred by default.
    """
    return np.asarray(a, dtype=dtype)


def array_union1(args: Iterable[Any]) -> Any:
    """Return the distinct members of several collections as an array, sorted if they are comparable."""
    members = dict.fromkeys(member for collection in args for member in collection)
    try:
        return np.asarray(sorted(members))
    except TypeError:  # integrators may mix types of trial numbers
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
        Integers of at least ``offset``.
    offset : int
        Integer of the first count.
    weights : (n,) array-like, optional
        Weight of each occurrence; 1 by default.
    minlength : int
        Minimum number of counts.
    p : (n, k) array, optional
        If given, the minimum number of counts is ``k``.
    """
    if p is not None and np.ndim(p) == 2:
        minlength = np.shape(p)[1]
    return np.bincount(np.asarray(x, dtype=int) - offset, weights, minlength)


def repeat(n_times: int, obj: Any) -> list[Any]:
    """Return a list of one repeated object.

    Parameters
    ----------
    n_times : int
        Length of the list.
    obj : any
        The object; not copied.
    """
    return [obj] * int(n_times)


def str_join(s: str, seq: Iterable[str]) -> str:
    """Return strings joined by a separator.

    Parameters
    ----------
    s : str
        The separator.
    seq : iterable of str
        The strings.
    """
    return s.join(seq)


def call_method(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a value.

    Parameters
    ----------
    obj : any
        The value.
    methodname : str
        Name of the method.
    *args, **kwargs
        Its arguments.
    """
    return getattr(obj, methodname)(*args, **kwargs)


def call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method that has no side effects.

    Parameters
    ----------
    obj : any
        The value.
    methodname : str
        Name of the method.
    *args, **kwargs
        Its arguments.
    """
    return call_method(obj, methodname, *args, **kwargs)


def copy_call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a shallow copy of a value.

    Parameters
    ----------
    obj : any
        The value, which stays unchanged.
    methodname : str
        Name of the method.
    *args, **kwargs
        Its arguments.
    """
    return call_method(copy.copy(obj), methodname, *args, **kwargs)


def Raise(etype: Callable[..., BaseException], *args: Any, **kwargs: Any) -> Any:  # noqa: N802
    """Raise an exception, for an option that must not be chosen.

    Parameters
    ----------
    etype : exception class
        Class of the exception.
    *args, **kwargs
        Its arguments.
    """
    raise etype(*args, **kwargs)


def curtime(obj: Any) -> tuple[float, Any]:
    """Return the Unix time in seconds, and the argument."""
    return time.time(), obj


def pdb_settrace(obj: Any) -> Any:
    """Enter the debugger, then return the argument."""
    breakpoint()
    return obj


def vchoice_split(idxs: Sequence[Any], choices: Sequence[int], n_options: int) -> list[list[Any]]:
    """Return, for each option, the trials that chose it.

    Parameters
    ----------
    idxs : (n,) sequence
        Trial numbers.
    choices : (n,) sequence of int
        Index of the option of each trial.
    n_options : int
        Number of options.

    Raises
    ------
    ValueError
        If the numbers of trials and choices differ.
    """
    if len(idxs) != len(choices):
        raise ValueError(f"vchoice_split got {len(idxs)} trials, but {len(choices)} choices.")
    split: list[list[Any]] = [[] for _ in range(n_options)]
    for idx, choice in zip(idxs, choices, strict=True):
        split[int(choice)].append(idx)
    return split


def vchoice_merge(idxs: Sequence[Any], choices: Sequence[int], *vals: Any) -> list[Any]:
    """Return, for each trial, its value from the option that it chose.

    Parameters
    ----------
    idxs : (n,) sequence
        Trial numbers.
    choices : (n,) sequence of int
        Index of the option of each trial.
    *vals : (sequence, sequence)
        For each option, the trials that chose it and their values.
    """
    tables = [_by_trial(*pair) for pair in vals]
    return [tables[int(choice)][idx] for idx, choice in zip(idxs, choices, strict=True)]


def idxs_map(idxs: Sequence[Any], cmd: str, *args: Any, **kwargs: Any) -> list[Any]:
    """Apply a graph function to each trial.

    Parameters
    ----------
    idxs : (n,) sequence
        Trial numbers.
    cmd : str
        Name of the function in ``scope``.
    *args, **kwargs : (sequence, sequence)
        For each argument, trial numbers and values; may include further trials.
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
    """Return the values of selected trials as an array.

    Parameters
    ----------
    idxs, vals : (n,) sequence
        Trial numbers and their values.
    which : (m,) sequence
        Numbers of the selected trials, in order of the result.
    """
    table = _by_trial(idxs, vals)
    return np.asarray([table[idx] for idx in which])


def uniq(lst: Iterable[Any]) -> list[Any]:
    """Return the distinct objects of a list, compared by identity."""
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

#: The functions by name; ``scope.define`` adds to it.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: function for name, function in OPERATIONS.items() if name != "partial"},
    "dict": dict,
    "map": map,
    "getitem": operator.getitem,
    "curtime": curtime,
    **{function.__name__: function for function in (*_PURE, *_IMPURE)},
}

#: Their properties; functions without an entry have the defaults.
INFOS: dict[str, Info] = {
    **{name: Info(is_pure=True) for name in FUNCTIONS},
    **{function.__name__: Info() for function in _IMPURE},
    "map": Info(),
    "curtime": Info(o_len=2),
}
