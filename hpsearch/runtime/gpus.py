"""Assignment of a machine's GPUs to the trials that are evaluated at the same time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from hpsearch.errors import ConfigurationError

#: The variable that limits the GPUs which CUDA shows to a process.
VISIBLE = "CUDA_VISIBLE_DEVICES"

#: CUDA's names of devices: a number, or the (perhaps shortened) UUID of a GPU or a MIG instance.
_DEVICE = re.compile(r"\d+|GPU-[0-9a-fA-F-]+|MIG-[\w/-]+")

#: A line of ``nvidia-smi -L``: a GPU or, indented, one of its MIG instances.
_LISTED = re.compile(r"^(?P<indent>\s*)(?:GPU|MIG) .*\(UUID: (?P<uuid>[\w/-]+)\)", re.MULTILINE)

#: Time limit of nvidia-smi in seconds.
_TIMEOUT_S = 30.0


def nvidia_smi_listing() -> str:
    """Return the output of ``nvidia-smi -L``.

    Raises
    ------
    ConfigurationError
        If nvidia-smi was not found, or fails.
    """
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607 - its folder depends on the driver's package
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = "does not respond" if isinstance(error, subprocess.TimeoutExpired) else "was not found"
        text = f"--gpus auto needs nvidia-smi, which {reason}; name the GPUs, as in --gpus 0,1."
        raise ConfigurationError(text) from error
    if done.returncode != 0:
        output = " ".join((done.stderr or done.stdout).split())
        raise ConfigurationError(f"--gpus auto needs nvidia-smi, which failed: {output}")
    return done.stdout


def find_gpus(
    choice: str, environment: Mapping[str, str], ask_driver: Callable[[], str] = nvidia_smi_listing
) -> tuple[str, ...]:
    """Return the chosen GPUs, by CUDA's names; one that is named twice counts twice.

    Parameters
    ----------
    choice : str
        ``auto`` for the GPUs in ``CUDA_VISIBLE_DEVICES``, else all that the driver lists; ``none``; or
        numbers and UUIDs, separated by commas.
    environment : mapping
        Environment variables of this process.
    ask_driver : callable
        Returns the output of ``nvidia-smi -L``.

    Raises
    ------
    ConfigurationError
        If a name is not that of a GPU, or ``auto`` finds none.
    """
    if choice == "none":
        return ()
    if choice != "auto":
        return _named(choice)
    inherited = environment.get(VISIBLE)
    found = in_listing(ask_driver()) if inherited is None else _visible(inherited)
    if not found:
        place = "nvidia-smi lists" if inherited is None else f"{VISIBLE} leaves"
        raise ConfigurationError(f"--gpus auto found no GPU: {place} none; omit --gpus, or give none.")
    return found


def in_listing(text: str) -> tuple[str, ...]:
    """Return the UUIDs in the output of ``nvidia-smi -L``; for a divided GPU, those of its MIG instances.

    Numbers are not reliable: CUDA and the driver order different GPUs differently.
    """
    found: list[str] = []
    whole: str | None = None  # the last GPU listed
    for match in _LISTED.finditer(text):
        if not match["indent"]:
            whole = match["uuid"]
            found.append(whole)
            continue
        if found and found[-1] == whole:
            found.pop()
        found.append(match["uuid"])
    return tuple(found)


def assign_gpus(gpus: Sequence[str], n: int) -> tuple[str, ...]:
    """Return the value of ``CUDA_VISIBLE_DEVICES`` for each trial evaluated at the same time.

    Parameters
    ----------
    gpus : sequence of str
        CUDA's names; if empty, no trial sees a GPU.
    n : int
        Number of trials at a time; positive.

    Raises
    ------
    ConfigurationError
        If there are GPUs, but fewer than ``n``.
    """
    if not gpus:
        return ("",) * n
    if len(gpus) < n:
        twice = ",".join(gpu for gpu in gpus for _ in range(-(-n // len(gpus))))
        text = f"{n} trials at a time need {n} GPUs, but there are {len(gpus)}: evaluate fewer at a time"
        raise ConfigurationError(f"{text}, or let them share, as in --gpus {twice}.")
    return tuple(gpus[:n])


def _visible(inherited: str) -> tuple[str, ...]:
    """Return the devices that CUDA sees: those before the first invalid name, such as -1."""
    names = (name.strip() for name in inherited.split(","))
    return tuple(takewhile(_DEVICE.fullmatch, names))


def _named(choice: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in choice.split(","))
    for name in names:
        if not _DEVICE.fullmatch(name):
            text = f"{name!r} in --gpus is not a GPU: give auto, none, numbers as in 0,1,3, or UUIDs."
            raise ConfigurationError(text)
    return names
