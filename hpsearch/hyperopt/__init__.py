"""A drop-in replacement for Hyperopt: its names, modules and documents over our own engine.

Use ``import hpsearch.hyperopt as hyperopt``, ``python -m hpsearch.hyperopt script.py`` for an
unchanged script, or ``hpsearch.hyperopt.install()`` before a library imports Hyperopt. Spaces,
suggestions and the driver are those of hpsearch; Hyperopt's nested documents exist only here.

As in Hyperopt, ``hpsearch.hyperopt.fmin`` is the function; import from the module of that name
with ``from hpsearch.hyperopt.fmin import ...``.
"""

from hpsearch.hyperopt import (
    algobase,
    anneal,
    atpe,
    auto,
    base,
    early_stop,
    exceptions,
    hp,
    ipy,
    mix,
    progress,
    pyll,
    pyll_utils,
    rand,
    spark,
    std_out_err_redirect_tqdm,
    tpe,
    utils,
    vectorize,
)
from hpsearch.hyperopt.base import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    STATUS_NEW,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
    Ctrl,
    Domain,
    Trials,
    trials_from_docs,
)
from hpsearch.hyperopt.engine.alias import install
from hpsearch.hyperopt.fmin import (
    FMinIter,
    fmin,
    fmin_pass_expr_memo_ctrl,
    generate_trials_to_calculate,
    partial,
    space_eval,
)
from hpsearch.hyperopt.spark import SparkTrials
from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK

__all__ = [
    "JOB_STATES",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "Ctrl",
    "Domain",
    "FMinIter",
    "SparkTrials",
    "Trials",
    "algobase",
    "anneal",
    "atpe",
    "auto",
    "base",
    "early_stop",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "generate_trials_to_calculate",
    "hp",
    "install",
    "ipy",
    "mix",
    "partial",
    "progress",
    "pyll",
    "pyll_utils",
    "rand",
    "space_eval",
    "spark",
    "std_out_err_redirect_tqdm",
    "tpe",
    "trials_from_docs",
    "utils",
    "vectorize",
]

#: The version of Hyperopt with this interface, for libraries that check it.
__version__ = "0.3.0"
