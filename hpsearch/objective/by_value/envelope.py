r"""The form in which an objective travels: a signature, a header in JSON, and the pickle.

::

    "hpsearch objective\n"                            what this is
    32 bytes                                         HMAC-SHA256 of the rest under the secret
    4 bytes                                          length of the header, the highest byte first
    {"format": 2, "database": ..., "exp_key": ..., "nonce": ..., "name": ..., "python": "3.11",
     "cloudpickle": "3.1.2"}
    the pickle

Nothing of it, the header included, is read before the signature is found to fit. What it was
sent for is part of what is signed: the database, the experiment, and a random text that the
experiment holds. So it cannot be put in another's place, nor in that of a later search of the
same name. Format 1 named the experiment alone, and is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from hpsearch.errors import LoadError, MissingExtraError
from hpsearch.objective.by_value.pickling import MAX_BYTES, pickled
from hpsearch.objective.by_value.secret import SECRET, SECRET_FILE, checked
from hpsearch.objective.loading import Objective, put_on_path
from hpsearch.runtime.user_paths import current_folder

FORMAT = 2

#: The name of the experiment's attachment that holds its objective.
ATTACHMENT = "objective"

#: Bytes of the largest envelope that ``pack`` makes: a pickle, and what is said of it.
MAX_ENVELOPE_BYTES = MAX_BYTES + 2**20

_MARK = b"hpsearch objective\n"
_TAG_BYTES, _LENGTH_BYTES = 32, 4
_EXTRA = "pickle"

#: What sends an objective once more: ``fmin`` joins its own search, and repeats nothing.
_AGAIN = "start its script again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What an objective is sent for; part of what is signed."""

    database: str  #: the name of the database
    exp_key: str  #: the name of the experiment
    nonce: str | None = None  #: ``ObjectiveRef.nonce`` of the experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedObjective:
    """An objective whose signature was found to fit, not yet unpickled."""

    exp_key: str  #: the experiment that it was sent for
    name: str  #: of the function
    python: str  #: version that pickled it, such as "3.11"
    cloudpickle: str  #: version that pickled it, such as "3.1.2"
    pickled: bytes = field(repr=False)

    def objective(self) -> Objective:
        """Unpickle the objective, which runs what the pickle says.

        Raises
        ------
        LoadError
            If a module is missing here, cloudpickle is missing or of another major version,
            or the pickle does not lead to a function.
        """
        where = f"The objective {self.name} of experiment {self.exp_key!r}"
        self._check_cloudpickle(where)
        put_on_path(current_folder())  # for modules that lie beside the worker, as for any other objective
        try:
            objective = pickle.loads(self.pickled)  # noqa: S301 - signed by who started the search
        except ModuleNotFoundError as error:
            raise LoadError(
                f"{where} needs the module {error.name!r}: install it on this worker, "
                "or put it into the folder that the worker is started in."
            ) from error
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise LoadError(f"{where} cannot be unpickled on this worker: {reason}") from error
        if not callable(objective):
            raise LoadError(f"{where} is a {type(objective).__name__}, not a function of the configuration.")
        found: Objective = objective
        return found

    def _check_cloudpickle(self, where: str) -> None:
        try:
            import cloudpickle
        except ModuleNotFoundError as error:
            raise LoadError(
                f"{where} was sent by value: install hpsearch[{_EXTRA}] on this worker."
            ) from error
        here = cloudpickle.__version__
        if _major(here) != _major(self.cloudpickle):
            raise LoadError(
                f"{where} was pickled by cloudpickle {self.cloudpickle}, and this worker has {here}; "
                "install the same major version on both."
            )


def pack(objective: Objective, destination: Destination, secret: bytes) -> bytes:
    """Return an objective as it travels to the workers of an experiment.

    Parameters
    ----------
    objective : callable
        Any function, also one of a script or a notebook, with all that it refers to. Of modules
        only the name is sent: they must be installed where it is evaluated.
    destination : Destination
        The experiment, outside of which the result is worth nothing.
    secret : bytes
        At least 16 bytes, which the workers know, too.

    Raises
    ------
    MissingExtraError
        Without cloudpickle.
    LoadError
        If it cannot be pickled, or takes more than 64 MB; says which of what it captures is to blame.
    ConfigurationError
        If the secret is too short.
    """
    checked(secret)
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        raise MissingExtraError("Sending an objective by value", _EXTRA) from error
    header = {
        "format": FORMAT,
        **asdict(destination),
        "name": name_of(objective),
        "python": _python(),
        "cloudpickle": cloudpickle.__version__,
    }
    text = json.dumps(header).encode()
    body = len(text).to_bytes(_LENGTH_BYTES, "big") + text + pickled(objective, name_of(objective))
    return _MARK + _tag(body, secret) + body


def unpack(blob: bytes, destination: Destination, secret: bytes | None) -> Objective:
    """Return the objective of an experiment: ``opened``, then unpickled.

    Raises
    ------
    LoadError
        See ``opened`` and ``SignedObjective.objective``.
    """
    return opened(blob, destination, secret).objective()


def opened(blob: bytes, destination: Destination, secret: bytes | None) -> SignedObjective:
    """Return what was packed for an experiment; nothing of it is run.

    Raises
    ------
    LoadError
        If there is no secret, or it was not signed, or under another secret, or was changed
        since, or is for another experiment, or made by another version of Python, a newer
        hpsearch, or one whose signatures held anywhere.
    """
    where = f"The objective of experiment {destination.exp_key!r}"
    if secret is None:
        raise LoadError(
            f"{where} was sent by value, and this worker has no secret to check its signature with; "
            f"set {SECRET_FILE} or {SECRET} to what the search was started with."
        )
    body = _signed_part(blob, checked(secret), where)
    length = int.from_bytes(body[:_LENGTH_BYTES], "big")
    header: dict[str, Any] = json.loads(body[_LENGTH_BYTES : _LENGTH_BYTES + length])
    if header["format"] > FORMAT:
        raise LoadError(f"{where} was sent by a newer hpsearch; upgrade hpsearch on this worker.")
    if header["format"] < FORMAT:
        raise LoadError(
            f"{where} was sent by an older hpsearch, whose signature would hold in other databases, too, and "
            f"is not run; {_AGAIN} with this version."
        )
    _check_destination(header, destination, where)
    if header["python"] != _python():
        raise LoadError(
            f"{where} was pickled by Python {header['python']}, and this worker runs {_python()}; "
            f"use the same minor version on both."
        )
    return SignedObjective(
        exp_key=destination.exp_key,
        name=header["name"],
        python=header["python"],
        cloudpickle=header["cloudpickle"],
        pickled=body[_LENGTH_BYTES + length :],
    )


def name_of(objective: Any) -> str:
    """Return what a callable is called, for people."""
    inner = getattr(objective, "func", objective)
    return str(getattr(inner, "__qualname__", type(objective).__qualname__))


def _check_destination(header: dict[str, Any], destination: Destination, where: str) -> None:
    """Raise if an objective was signed for something else than it was found at."""
    if header["exp_key"] != destination.exp_key:
        raise LoadError(f"{where} is signed for another experiment, {header['exp_key']!r}; {_AGAIN}.")
    if header["database"] != destination.database:
        raise LoadError(
            f"{where} is signed for another database, {header['database']!r}, and this is "
            f"{destination.database!r}; {_AGAIN} with this one."
        )
    if header["nonce"] != destination.nonce:
        raise LoadError(f"{where} is signed for another search of this name; {_AGAIN}.")


def _signed_part(blob: bytes, secret: bytes, where: str) -> bytes:
    """Return what follows the signature, if that fits."""
    if not blob.startswith(_MARK):
        raise LoadError(f"{where} is not signed, and is not run: it was not written by hpsearch.")
    tag, body = blob[len(_MARK) :][:_TAG_BYTES], blob[len(_MARK) + _TAG_BYTES :]
    if not hmac.compare_digest(tag, _tag(body, secret)):
        raise LoadError(
            f"{where} has a signature that does not fit, and is not run: "
            "the search was started with another secret, or somebody changed what is stored."
        )
    return body


def _tag(body: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, _MARK + body, hashlib.sha256).digest()


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _major(version: str) -> str:
    return version.partition(".")[0]
