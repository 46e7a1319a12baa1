"""The contract as one class; each of its parts covers the guarantees that its docstring names."""

from __future__ import annotations

from hpsearch.testing.contract.attachments import AttachmentContract
from hpsearch.testing.contract.checkpoints import CheckpointContract
from hpsearch.testing.contract.claims import ClaimContract
from hpsearch.testing.contract.deletion import DeletionContract
from hpsearch.testing.contract.experiments import ExperimentContract
from hpsearch.testing.contract.expiry import ExpiryContract
from hpsearch.testing.contract.holders import HolderContract
from hpsearch.testing.contract.insertion import InsertionContract
from hpsearch.testing.contract.leadership import LeadershipContract
from hpsearch.testing.contract.marks import MarkContract
from hpsearch.testing.contract.outcomes import OutcomeContract
from hpsearch.testing.contract.reading import ReadingContract
from hpsearch.testing.contract.stopping import StoppingContract
from hpsearch.testing.contract.summaries import SummaryContract
from hpsearch.testing.contract.waiting import WaitingContract
from hpsearch.testing.contract.workers import WorkerContract


class StoreContract(
    InsertionContract,
    ClaimContract,
    HolderContract,
    ExpiryContract,
    ReadingContract,
    LeadershipContract,
    ExperimentContract,
    AttachmentContract,
    CheckpointContract,
    DeletionContract,
    MarkContract,
    OutcomeContract,
    StoppingContract,
    SummaryContract,
    WaitingContract,
    WorkerContract,
):
    """All guarantees of ``hpsearch.store.protocol`` but 10, which ``DurabilityContract`` covers."""
