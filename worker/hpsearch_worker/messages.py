"""What a worker and its child process say to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from hpsearch.core.experiment import Experiment, ObjectiveRef, changed_parts
from hpsearch.core.trial import Report, Result, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.by_value import SignedObjective
from hpsearch.objective.evaluation import Attachment, CurrentTrial, evaluate
from hpsearch.objective.loading import Objective, files_of, load_objective, program_named
from hpsearch.objective.process_reports import Evaluation
from hpsearch.objective.source_fingerprint import fingerprinted
from hpsearch.space.tree import Space, Values
from hpsearch.space.trust import TRUSTED
from hpsearch.store.rules import differing_code
from hpsearch_worker.allowed import Allowed
from hpsearch_worker.hyperopt_import_hook import install_hyperopt_import_hook
from hpsearch_worker.process_env import go_to, working_folder

#: Hexadecimal digits of a fingerprint that a trial keeps.
_SHORT = 16

#: What an objective says before it returns.
ObjectiveEvent = Report | Attachment

#: Takes what an objective says.
OnEvent = Callable[[ObjectiveEvent], None]


@dataclass(frozen=True, slots=True)
class Load:
    """To the child: load an experiment's objective and space."""

    exp_key: str
    objective: ObjectiveRef
    space: Mapping[str, Any]
    workdir: str | None  #: where its evaluations begin; None for the folder it is loaded in
    letter: SignedObjective | None  #: the objective itself, if it came by value
    allowed: Allowed | None = None  #: what may be imported and called; None for everything

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        workdir: str | None,
        letter: SignedObjective | None,
        allowed: Allowed | None = None,
    ) -> Load:
        """Make the request for an experiment."""
        return cls(experiment.exp_key, experiment.objective, experiment.space, workdir, letter, allowed)

    def carry_out(self) -> Loaded:
        """Load them here."""
        install_hyperopt_import_hook()
        program = self.objective.ref.partition(":")[0]
        if self.objective.kind == "file":
            program = next(map(str, files_of(self.objective)), program)
        # The objective first: options of the space may live in its module.
        letter = self.letter
        objective = load_objective(self.objective) if letter is None else letter.objective()
        here = fingerprinted(self.objective) if letter is None else self.objective
        if changed := changed_parts(self.objective, here):
            raise LoadError(_other_code(self.objective, changed))
        if self.allowed is not None:
            self.allowed.check_loaded(self.objective, objective)
        space = Space.from_json(self.space, TRUSTED if self.allowed is None else self.allowed.trust)
        code = (here.fingerprint or here.digest or "")[:_SHORT]
        return Loaded(objective, space, self.workdir or working_folder(), program, code or None)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An experiment that this process can evaluate."""

    objective: Objective
    space: Space
    folder: str | None  #: where each evaluation begins: the one asked for, or where loading ended
    program: str  #: what the objective finds in ``sys.argv``: its file or module
    code: str | None = None  #: the first digits of the fingerprint of its code

    def evaluate(
        self, values: Values, trial: CurrentTrial, passes: tuple[type[BaseException], ...] = ()
    ) -> Result:
        """Evaluate raw values here; see ``hpsearch.objective.evaluation.evaluate``."""
        go_to(self.folder)
        with program_named(self.program):
            result = evaluate(self.objective, lambda: self.space.config(values), trial, passes)
        return replace(result, objective=self.code)


@dataclass(frozen=True, slots=True)
class Ready:
    """From the child: the experiment is loaded, or it cannot be, and why."""

    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """To the child: evaluate these values. It answers with words of the objective, then a result."""

    exp_key: str
    tid: int
    attempt: int
    values: Values

    @classmethod
    def of(cls, trial: Trial) -> Evaluate:
        """Make the request for a trial."""
        return cls(trial.exp_key, trial.tid, trial.attempt, dict(trial.values))

    def evaluation(self, address: str | None = None, number: int = 0) -> Evaluation:
        """Return what the processes that the objective starts know of it."""
        return Evaluation(
            address=address,
            number=number,
            exp_key=self.exp_key,
            tid=self.tid,
            attempt=self.attempt,
            values=self.values,
        )

    def current_trial(self, on_event: OnEvent) -> CurrentTrial:
        """Return the trial as its objective sees it; ``on_event`` gets what that has to say."""
        return CurrentTrial(
            exp_key=self.exp_key,
            tid=self.tid,
            attempt=self.attempt,
            values=MappingProxyType(self.values),
            on_report=on_event,
            on_attach=on_event,
        )


def _other_code(objective: ObjectiveRef, changed: list[str]) -> str:
    return (
        f"{objective.ref} is another version here than the one that the search was begun with: it differs "
        f"{differing_code(changed)}. Copy the right one to this machine, or start the search again with "
        "--exp-key NEW or --accept-changed-objective; what differs from machine to machine belongs into the "
        "environment."
    )
