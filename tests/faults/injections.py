"""The faults, and their order by the seed.

Faults of different lanes happen at the same time, those of one lane after one another. So
at most one member of the replica set is down at a time, unless a fault takes them all.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of fault, in the words of the table."""

    KILL_WORKER = "worker killed"
    KILL_CHILD = "evaluating process killed"
    KILL_LEADER = "leading coordinator killed"
    KILL_STANDBY = "standby killed"
    FREEZE_WORKER = "worker frozen"
    FREEZE_CHILD = "evaluating process frozen"
    FREEZE_BOTH = "worker and evaluating process frozen"
    FREEZE_LEADER = "leading coordinator frozen"
    MOVE_CLOCK = "clock moved by an hour"
    PAUSE = "search paused while workers load it"
    KILL_PRIMARY = "primary killed"
    KILL_SECONDARY = "secondary killed"
    KILL_ALL = "all of MongoDB killed"
    FREEZE_PRIMARY = "primary frozen"
    FREEZE_SECONDARY = "secondary frozen"
    STEP_DOWN = "primary stepped down"
    FILL_DISK = "disk full"
    STEP_BACK = "MongoDB's clock set back"
    STEP_AHEAD = "MongoDB's clock set forward"
    CUT_BEFORE_CLAIM = "cut before a claim"
    CUT_AFTER_CLAIM = "cut before a claim's answer"
    CUT_BEFORE_FINISH = "cut before a finish"
    CUT_AFTER_FINISH = "cut before a finish's answer"
    RESET = "connections reset"
    DELAY = "network slow"
    SILENCE = "network silent"
    ERROR = "command answered by an error"
    UNSAFE = "write not safe in time"
    CLOSE = "command answered by a hang-up"
    BLOCK = "command answered late"
    ROTATE = "passwords changed"
    PRIORITY = "priority changed"


#: The lanes, and what happens in each.
LANES: Mapping[str, Sequence[Kind]] = {
    "processes": (
        Kind.KILL_WORKER,
        Kind.KILL_CHILD,
        Kind.KILL_LEADER,
        Kind.KILL_STANDBY,
        Kind.FREEZE_WORKER,
        Kind.FREEZE_CHILD,
        Kind.FREEZE_BOTH,
        Kind.FREEZE_LEADER,
        Kind.MOVE_CLOCK,
        Kind.PAUSE,
    ),
    "servers": (
        Kind.KILL_PRIMARY,
        Kind.KILL_SECONDARY,
        Kind.KILL_ALL,
        Kind.FREEZE_PRIMARY,
        Kind.FREEZE_SECONDARY,
        Kind.STEP_DOWN,
        Kind.FILL_DISK,
        Kind.STEP_BACK,
        Kind.STEP_AHEAD,
    ),
    "wire": (
        Kind.CUT_BEFORE_CLAIM,
        Kind.CUT_AFTER_CLAIM,
        Kind.CUT_BEFORE_FINISH,
        Kind.CUT_AFTER_FINISH,
        Kind.RESET,
        Kind.DELAY,
        Kind.SILENCE,
    ),
    "commands": (Kind.ERROR, Kind.UNSAFE, Kind.CLOSE, Kind.BLOCK, Kind.ROTATE),
    "users": (Kind.PRIORITY,),
}

#: Factors of the pauses of some lanes, since no other fault can occur while MongoDB is away.
PAUSES: Mapping[str, float] = {"servers": 4.0}

#: The faults of a campaign of a minute and a half.
SHORT = frozenset(
    {
        Kind.KILL_WORKER, Kind.KILL_CHILD, Kind.KILL_LEADER, Kind.FREEZE_WORKER, Kind.MOVE_CLOCK,
        Kind.PAUSE, Kind.KILL_PRIMARY, Kind.STEP_DOWN, Kind.STEP_BACK, *LANES["wire"][:5],
        *LANES["commands"],
    }
)  # fmt: skip

#: The commands that hpsearch sends all the time, and those that write.
WRITES = ("findAndModify", "update", "insert")
COMMANDS = (*WRITES, "find", "aggregate", "getMore", "hello")

#: The commands of a process that starts.
AT_START = ("buildInfo", "create", "createIndexes", "collMod", "listCollections")

#: A server that starts, stops, steps down, is interrupted or takes too long.
_CODES = (6, 7, 50, 64, 89, 91, 189, 211, 262, 9001, 10107, 11600, 11602, 13435, 13436)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One fault, as it was drawn."""

    pause_s: float  #: time after the one before it in its lane
    kind: Kind
    target: float  #: from 0 to 1: which of the possible targets
    length: float  #: from 0 to 1: how long, between the least and the most of its kind
    command: str = ""  #: that is answered badly
    code: int = 0  #: of the error
    times: int = 1  #: that it is answered so


def drawn(seed: int, lane: str, kinds: Collection[Kind], mean_pause_s: float) -> Iterator[Injection]:
    """Yield faults endlessly; every kind occurs before any repeats.

    Parameters
    ----------
    seed : int
        Of the campaign.
    lane : str
        Its name in ``LANES``; each lane has random numbers of its own.
    kinds : collection of Kind
        What may be drawn.
    mean_pause_s : float
        Mean of the time between two faults, which is exponentially distributed, but for ``PAUSES``.
    """
    rng = random.Random(f"{seed} {lane}")
    possible = [kind for kind in LANES[lane] if kind in kinds]
    rate = 1 / (mean_pause_s * PAUSES.get(lane, 1.0))
    commands: list[str] = []
    while possible:
        for kind in rng.sample(possible, len(possible)):
            # Each command, too, occurs before any repeats.
            commands = commands or rng.sample([*COMMANDS, *AT_START], len(COMMANDS) + len(AT_START))
            yield Injection(
                pause_s=rng.expovariate(rate),
                kind=kind,
                target=rng.random(),
                length=rng.random(),
                command=rng.choice(WRITES) if kind is Kind.UNSAFE else commands.pop(),
                code=rng.choice(_CODES),
                times=rng.randint(1, 4),
            )
