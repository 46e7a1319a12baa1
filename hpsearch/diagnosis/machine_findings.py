"""Checks a machine and its settings: facts in, findings out."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.diagnosis.finding import Finding, ok, problem, warning
from hpsearch.runtime.escaping import shown

#: Open files that a worker needs: some sockets, and three pipes for each concurrent trial.
_MIN_FILES = 256

#: Variables that set the number of threads of numerical libraries.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An option or a variable that is set."""

    name: str  #: of the option or the variable
    value: str  #: without passwords
    source: str  #: "the command line" or "the environment"
    fault: str | None = None  #: why commands refuse the value


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Facts about a machine."""

    python: str  #: version and path of the program
    system: str
    packages: Mapping[str, str]  #: versions by name, that of hpsearch first
    extras: Mapping[str, Sequence[str]]  #: by extra: the packages that are not installed
    n_cores: int  #: available to this process
    memory_bytes: int
    open_files: int  #: limit of a process; -1 for none
    start_method: str  #: of ``multiprocessing``, for objectives that use it
    algebra_threads: Sequence[int]  #: of each OpenBLAS in NumPy's and SciPy's wheels
    threads: Mapping[str, str]  #: the values of ``THREAD_VARIABLES`` that are set
    mongod: str | None  #: the server program of the private MongoDB
    mongod_fault: str | None  #: why the program that HPSEARCH_MONGOD names cannot be used
    mongosh: str | None  #: the Mongo shell
    home: str  #: the folder for this user's data
    home_faults: Sequence[str]  #: why it, or a folder in it, cannot be used
    home_is_shared: bool  #: whether its group may replace its files
    secret: str | None  #: where the secret comes from
    secret_fault: str | None  #: why it cannot be used


def machine_findings(machine: Machine) -> list[Finding]:
    """Return the findings about a machine, versions first."""
    return [
        ok("python", machine.python),
        ok("system", machine.system),
        ok("packages", ", ".join(f"{name} {version}" for name, version in machine.packages.items())),
        _extras(machine),
        ok("cores", f"{machine.n_cores}, with {machine.memory_bytes / 1024**3:.1f} GiB of memory"),
        _open_files(machine),
        _algebra(machine),
        _threads(machine),
        ok(
            "processes",
            f"evaluations start by exec, an objective's own multiprocessing by {machine.start_method}",
        ),
        _server(machine),
        ok("mongosh", machine.mongosh or "none; only needed to query searches in the Mongo shell"),
        *_home(machine),
        _secret(machine),
    ]


def settings_findings(
    settings: Sequence[Setting], environment: Sequence[str], known: Collection[str]
) -> list[Finding]:
    """Return the findings about settings: where each comes from, and variables that no command reads.

    Parameters
    ----------
    settings : sequence of Setting
        The options and variables that are set.
    environment : sequence of str
        Names of the variables that are set and begin with ``HPSEARCH_``.
    known : collection of str
        Names of all variables that hpsearch reads.
    """
    found = [_setting(setting) for setting in settings]
    return found + [_unread(name, known) for name in environment if name not in known]


def _setting(setting: Setting) -> Finding:
    text = f"{setting.name} is {setting.value}, from {setting.source}"
    if setting.fault is None:
        return ok("setting", text)
    return problem("setting", f"{text}: {setting.fault}", f"correct or remove {setting.name}")


def _unread(name: str, known: Collection[str]) -> Finding:
    similar = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {similar[0]}?" if similar else "remove it, or look up its name in the manual"
    return warning("setting", f"{name} is set, but no command reads it", advice)


def _extras(machine: Machine) -> Finding:
    installed = [name for name, missing in machine.extras.items() if not missing]
    others = [name for name, missing in machine.extras.items() if missing]
    text = f"{', '.join(installed) or 'none'} installed"
    return ok("extras", f"{text}; not {', '.join(others)}" if others else text)


def _open_files(machine: Machine) -> Finding:
    if machine.open_files < 0:
        return ok("open files", "no limit")
    if machine.open_files >= _MIN_FILES:
        return ok("open files", f"up to {machine.open_files}")
    return warning(
        "open files", f"up to {machine.open_files}", f"raise the limit: ulimit -n {4 * _MIN_FILES}"
    )


def _algebra(machine: Machine) -> Finding:
    if machine.algebra_threads:
        threads = " and ".join(str(n) for n in machine.algebra_threads)
        return ok("linear algebra", f"OpenBLAS with {threads} threads, one during suggestions")
    return warning(
        "linear algebra",
        "not the OpenBLAS of NumPy's wheels: on a busy machine, its threads can slow suggestions down",
        "set OMP_NUM_THREADS=1 for coordinators",
    )


def _threads(machine: Machine) -> Finding:
    invalid = [name for name, value in machine.threads.items() if not value.replace(",", "").isdecimal()]
    if invalid:
        return warning(
            "threads",
            ", ".join(f"{name}={shown(machine.threads[name])}" for name in invalid) + ": not a number",
            "set it to the number of threads for an evaluation",
        )
    if machine.threads:
        return ok("threads", ", ".join(f"{name}={value}" for name, value in machine.threads.items()))
    return ok(
        "threads",
        f"no limit: each evaluation may start {machine.n_cores}; "
        f"set {THREAD_VARIABLES[0]} if several trials share a machine",
    )


def _server(machine: Machine) -> Finding:
    if machine.mongod_fault is not None:
        return problem("mongod", machine.mongod_fault, "name a program, or unset HPSEARCH_MONGOD")
    if machine.mongod is not None:
        return ok("mongod", machine.mongod)
    return ok("mongod", "none: searches need --store; hpsearch[embedded] installs a server for this machine")


def _home(machine: Machine) -> list[Finding]:
    if machine.home_faults:
        advice = "fix this: until then, `hpsearch run` and the private MongoDB do not work"
        return [problem("home", fault, advice) for fault in machine.home_faults]
    if machine.home_is_shared:
        return [
            warning(
                "home",
                f"{machine.home}: its group may replace files in it",
                f"chmod g-w {machine.home}",
            )
        ]
    return [ok("home", machine.home)]


def _secret(machine: Machine) -> Finding:
    if machine.secret_fault is not None:
        return problem(
            "secret",
            machine.secret_fault,
            "fix this: until then, workers refuse objectives that are sent by value",
        )
    return ok(
        "secret",
        f"from {machine.secret}"
        if machine.secret
        else "none; only needed for objectives that are sent by value",
    )
