"""What is thought of a machine and of the settings on it; pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.diagnosis.finding import Finding, ok, problem, warning
from hpsearch.runtime.escaping import shown

#: A worker has some sockets, and three pipes for each trial at a time.
_FEW_FILES = 256

#: Variables by which libraries choose how many threads they start.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting that is not left at its default."""

    name: str  #: the option or the variable
    value: str  #: without passwords
    source: str  #: where it was found: "the command line", "the environment"
    fault: str | None = None  #: why the commands that read it refuse it


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found on a machine."""

    python: str  #: version and program
    system: str
    packages: Mapping[str, str]  #: versions, hpsearch's own first
    extras: Mapping[str, Sequence[str]]  #: what each optional extra lacks here
    n_cores: int  #: that this process may use
    memory_bytes: int
    open_files: int  #: that a process may have; -1 for any number
    start_method: str  #: how ``multiprocessing`` starts processes for objectives that use it
    algebra_threads: Sequence[int]  #: of each OpenBLAS in NumPy's and SciPy's wheels
    threads: Mapping[str, str]  #: those of ``THREAD_VARIABLES`` that are set
    mongod: str | None  #: the server program for private databases
    mongod_fault: str | None  #: why the one that was named cannot be it
    mongosh: str | None
    home: str  #: the folder for this user's data
    home_faults: Sequence[str]  #: why it, or a folder in it, cannot be used
    home_is_shared: bool  #: whether a group may replace what lies in it
    secret: str | None  #: where the secret is from
    secret_fault: str | None  #: why it cannot be used


def judge(machine: Machine) -> list[Finding]:
    """Return what was found, versions first."""
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
            f"evaluations start by exec; an objective's own multiprocessing by {machine.start_method}",
        ),
        _server(machine),
        ok("mongosh", machine.mongosh or "not on PATH: documents can be looked at from another machine"),
        *_home(machine),
        _secret(machine),
    ]


def judge_settings(
    settings: Sequence[Setting], environment: Sequence[str], known: Collection[str]
) -> list[Finding]:
    """Return where each setting came from, and the variables that nobody reads.

    Parameters
    ----------
    settings : sequence of Setting
        Those that are not left at their defaults.
    environment : sequence of str
        Names of the variables that are set and look as if they were for hpsearch.
    known : collection of str
        Names of all variables that hpsearch reads.
    """
    found = [_setting(setting) for setting in settings]
    return found + [_unread(name, known) for name in environment if name not in known]


def _setting(setting: Setting) -> Finding:
    text = f"{setting.name} is {setting.value}, from {setting.source}"
    if setting.fault is None:
        return ok("setting", text)
    return problem("setting", f"{text}: {setting.fault}", f"set {setting.name} right, or take it away")


def _unread(name: str, known: Collection[str]) -> Finding:
    similar = difflib.get_close_matches(name, known, n=1)
    advice = (
        f"did you mean {similar[0]}?" if similar else "take it away, or look for its name in the reference"
    )
    return warning("setting", f"{name} is set, and read by no command", advice)


def _extras(machine: Machine) -> Finding:
    there = [name for name, lacking in machine.extras.items() if not lacking]
    missing = [name for name, lacking in machine.extras.items() if lacking]
    parts = [f"{', '.join(there) or 'none'} installed"]
    if missing:
        parts.append(f"not {', '.join(missing)}")
    return ok("extras", "; ".join(parts))


def _open_files(machine: Machine) -> Finding:
    if machine.open_files < 0:
        return ok("open files", "any number")
    if machine.open_files >= _FEW_FILES:
        return ok("open files", f"up to {machine.open_files}")
    return warning(
        "open files", f"up to {machine.open_files}", f"raise the limit: ulimit -n {4 * _FEW_FILES}"
    )


def _algebra(machine: Machine) -> Finding:
    if machine.algebra_threads:
        threads = " and ".join(str(n) for n in machine.algebra_threads)
        return ok("linear algebra", f"OpenBLAS with {threads} threads, one while points are suggested")
    return warning(
        "linear algebra",
        "not the OpenBLAS of NumPy's wheels: on a busy machine its threads can make suggestions slow",
        "set OMP_NUM_THREADS=1 for coordinators",
    )


def _threads(machine: Machine) -> Finding:
    nonsense = [name for name, value in machine.threads.items() if not value.replace(",", "").isdecimal()]
    if nonsense:
        return warning(
            "threads",
            ", ".join(f"{name}={shown(machine.threads[name])}" for name in nonsense) + ": that is no number",
            "set it to the number of threads that an evaluation may use",
        )
    if machine.threads:
        return ok("threads", ", ".join(f"{name}={value}" for name, value in machine.threads.items()))
    return ok(
        "threads",
        f"not limited: each evaluation may start {machine.n_cores}; "
        f"set {THREAD_VARIABLES[0]} where several trials share a machine",
    )


def _server(machine: Machine) -> Finding:
    if machine.mongod_fault is not None:
        return problem("mongod", machine.mongod_fault, "name a program, or take HPSEARCH_MONGOD away")
    if machine.mongod is not None:
        return ok("mongod", machine.mongod)
    return ok(
        "mongod", "none: searches need --store here; hpsearch[embedded] brings a server for this machine"
    )


def _home(machine: Machine) -> list[Finding]:
    if machine.home_faults:
        advice = "do as it says: until then, run and the private MongoDB cannot work there"
        return [problem("home", fault, advice) for fault in machine.home_faults]
    if machine.home_is_shared:
        return [
            warning(
                "home",
                f"{machine.home}: its group may write there, and so replace what lies in it",
                f"chmod g-w {machine.home}",
            )
        ]
    return [ok("home", machine.home)]


def _secret(machine: Machine) -> Finding:
    if machine.secret_fault is not None:
        return problem(
            "secret", machine.secret_fault, "workers refuse objectives that are sent by value until then"
        )
    return ok(
        "secret", f"from {machine.secret}" if machine.secret else "none: only for objectives sent by value"
    )
