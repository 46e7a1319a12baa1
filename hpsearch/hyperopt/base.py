"""Hyperopt's ``base``: trials, domains, and the format of documents."""

from hpsearch.hyperopt import pyll
from hpsearch.hyperopt.engine.ctrl import Ctrl
from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    JOB_VALID_STATES,
    STATUS_NEW,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
    TRIAL_KEYS,
    TRIAL_MISC_KEYS,
    SONify,
    miscs_to_idxs_vals,
    miscs_update_idxs_vals,
    spec_from_misc,
    validate_loss_threshold,
    validate_timeout,
)
from hpsearch.hyperopt.engine.domain import Domain, use_obj_for_literal_in_memo
from hpsearch.hyperopt.engine.read_only_trials import pmin_sampled
from hpsearch.hyperopt.engine.trials import Trials, trials_from_docs
from hpsearch.hyperopt.exceptions import (
    AllTrialsFailed,
    DuplicateLabel,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
)
from hpsearch.hyperopt.pyll.stochastic import recursive_set_rng_kwarg
from hpsearch.hyperopt.vectorize import VectorizeHelper
from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK

__all__ = [
    "JOB_STATES",
    "JOB_STATE_CANCEL",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "JOB_VALID_STATES",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "TRIAL_KEYS",
    "TRIAL_MISC_KEYS",
    "AllTrialsFailed",
    "Ctrl",
    "Domain",
    "DuplicateLabel",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
    "SONify",
    "Trials",
    "VectorizeHelper",
    "have_bson",
    "miscs_to_idxs_vals",
    "miscs_update_idxs_vals",
    "pmin_sampled",
    "pyll",
    "recursive_set_rng_kwarg",
    "spec_from_misc",
    "trials_from_docs",
    "use_obj_for_literal_in_memo",
    "validate_loss_threshold",
    "validate_timeout",
]

#: Libraries check it: whether BSON types are available.
have_bson = True
