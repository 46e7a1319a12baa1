"""Messages between a worker and its evaluating process, and what each request does there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from hpsearch.core.experiment import COMMAND, NO_PRUNER, Experiment, ObjectiveRef, Pruner, changed_parts
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Report, Result, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.by_value.envelope import SignedObjective
from hpsearch.objective.checkpoint import Question
from hpsearch.objective.command.own_commands import check_own_command
from hpsearch.objective.command.run import CommandObjective
from hpsearch.objective.current_trial import Ask, Attachment, CurrentTrial
from hpsearch.objective.evaluation import evaluate
from hpsearch.objective.loading import Objective, files_of, load_objective, program_named
from hpsearch.objective.process_reports import Evaluation
from hpsearch.objective.source_fingerprint import fingerprinted
from hpsearch.space.tree import Space, Values
from hpsearch.space.trust import TRUSTED
from hpsearch.store.checks import differing_parts
from hpsearch_worker.hyperopt_import_hook import install_hyperopt_import_hook
from hpsearch_worker.objective_allowlist import Allowlist
from hpsearch_worker.process_env import change_folder, working_folder

#: Hexadecimal digits of a fingerprint that a trial stores.
_SHORT = 16


@dataclass(frozen=True, slots=True)
class Printed:
    """The end of what an evaluation has printed so far."""

    end: bytes


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question of an objective that waits for its answer."""

    question: Question
    answer: Callable[[Any], None]


#: What comes of an objective before it returns.
ObjectiveEvent = Report | Attachment | Printed | OpenQuestion

#: Receives the events of an objective.
OnEvent = Callable[[ObjectiveEvent], None]

#: Returns the objective of an experiment if it was sent by value, else None.
ObjectiveSource = Callable[[Experiment], SignedObjective | None]


@dataclass(frozen=True, slots=True)
class Load:
    """To the child: load an experiment's objective and space."""

    exp_key: str
    objective: ObjectiveRef
    space: Mapping[str, Any]
    workdir: str | None  #: where its evaluations begin; None for the folder in which it is loaded
    goal: Goal = LOSS  #: the number of the result from which the loss comes
    outcomes: Outcomes | None = None  #: several objectives, or limits
    signed_objective: SignedObjective | None = None  #: the objective itself, if it was sent by value
    allowlist: Allowlist | None = None  #: what may be imported and called; None for everything

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        *,
        workdir: str | None = None,
        objectives: ObjectiveSource | None = None,
        allowlist: Allowlist | None = None,
    ) -> Load:
        """Make the request for an experiment.

        Parameters
        ----------
        experiment : Experiment
            What to load.
        workdir : str, optional
            Absolute path of the folder in which evaluations begin.
        objectives : callable, optional
            Returns the objective if it was sent by value.
        allowlist : Allowlist, optional
            What may be imported and called; everything by default.

        Raises
        ------
        LoadError
            If the experiment is not allowed, or its signed objective cannot be opened; without an allowlist,
            if its command was not begun by this user on this machine.
        """
        if allowlist is not None:
            experiment = allowlist.restrict(experiment)
        elif experiment.objective.kind == COMMAND:
            check_own_command(experiment)
        return cls(
            exp_key=experiment.exp_key,
            objective=experiment.objective,
            space=experiment.space,
            workdir=workdir,
            goal=experiment.goal,
            outcomes=experiment.outcomes,
            signed_objective=None if objectives is None else objectives(experiment),
            allowlist=allowlist,
        )

    def load_here(self) -> Loaded:
        """Load the objective and the space in this process."""
        install_hyperopt_import_hook()
        program = self.objective.ref.partition(":")[0]
        if self.objective.kind == "file":
            program = next(map(str, files_of(self.objective)), program)
        # The objective first: options of the space may be defined in its module.
        signed = self.signed_objective
        if self.objective.kind == COMMAND:
            return self._load_command(program)
        objective = load_objective(self.objective) if signed is None else signed.unpickle()
        here = fingerprinted(self.objective) if signed is None else self.objective
        if changed := changed_parts(self.objective, here):
            raise LoadError(_other_code(self.objective, changed))
        if self.allowlist is not None:
            self.allowlist.check_loaded(self.objective, objective)
        code = (here.fingerprint or here.digest or "")[:_SHORT]
        folder = self.workdir or working_folder()
        return Loaded(objective, self._space(), folder, program, self.goal, self.outcomes, code or None)

    def _load_command(self, program: str) -> Loaded:
        space = self._space()
        objective = CommandObjective.of(self.objective, space)
        return Loaded(objective, space, self.workdir or working_folder(), program, self.goal, self.outcomes)

    def _space(self) -> Space:
        return Space.from_json(self.space, TRUSTED if self.allowlist is None else self.allowlist.trust)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An experiment that this process can evaluate."""

    objective: Objective
    space: Space
    folder: str | None  #: where each evaluation begins: the requested folder, or where loading ended
    program: str  #: ``sys.argv[0]`` of the objective: its file or module
    goal: Goal  #: the number of the result from which the loss comes
    outcomes: Outcomes | None  #: several objectives, or limits
    code: str | None = None  #: the first digits of the fingerprint of its code

    def evaluate(
        self, values: Values, trial: CurrentTrial, passes: tuple[type[BaseException], ...] = ()
    ) -> Result:
        """Evaluate a trial in this process.

        Parameters
        ----------
        values : mapping
            Raw values by label.
        trial : CurrentTrial
            What ``current_trial()`` returns to the objective.
        passes : tuple of exception classes
            Exceptions that interrupt the objective and are raised to the caller.
        """
        change_folder(self.folder)
        with program_named(self.program):
            result = evaluate(
                self.objective,
                lambda: self.space.config(values),
                trial,
                passes,
                self.goal,
                self.outcomes,
            )
        return replace(result, objective=self.code)


@dataclass(frozen=True, slots=True)
class Ready:
    """From the child: the experiment is loaded, or why it cannot be."""

    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """To the child: evaluate a trial. The child sends events of the objective, then a result."""

    exp_key: str
    tid: int
    attempt: int
    values: Values
    has_pruner: bool = False
    max_resource: float | None = None

    @classmethod
    def of(cls, trial: Trial, pruner: Pruner = NO_PRUNER) -> Evaluate:
        """Make the request for a trial.

        Parameters
        ----------
        trial : Trial
            As it was claimed.
        pruner : Pruner
            The pruner of its experiment.
        """
        return cls(
            trial.exp_key,
            trial.tid,
            trial.attempt,
            dict(trial.values),
            has_pruner=pruner.is_on,
            max_resource=pruner.max_resource,
        )

    def evaluation(self, address: str | None = None, number: int = 0) -> Evaluation:
        """Return the description of this evaluation for processes that the objective starts.

        Parameters
        ----------
        address : str, optional
            Where the worker listens.
        number : int
            Number of this request.
        """
        return Evaluation(
            address=address,
            number=number,
            exp_key=self.exp_key,
            tid=self.tid,
            attempt=self.attempt,
            values=self.values,
            has_pruner=self.has_pruner,
            max_resource=self.max_resource,
        )

    def current_trial(self, on_event: OnEvent, ask: Ask | None = None) -> CurrentTrial:
        """Return the trial as its objective sees it.

        Parameters
        ----------
        on_event : callable
            Receives its reports and attachments.
        ask : callable, optional
            Answers its questions.
        """
        return CurrentTrial(
            exp_key=self.exp_key,
            tid=self.tid,
            attempt=self.attempt,
            values=MappingProxyType(self.values),
            has_pruner=self.has_pruner,
            max_resource=self.max_resource,
            on_report=on_event,
            on_attach=on_event,
            on_question=ask,
        )


def _other_code(objective: ObjectiveRef, changed: list[str]) -> str:
    return (
        f"{objective.ref} is another version here than the search was started with: it differs "
        f"{differing_parts(changed)}. Copy the right version to this machine, or start the search again with "
        "--exp-key NEW or --accept-changed-objective; settings that differ between machines belong in the "
        "environment."
    )
