"""Hyperopt's ``hp``: the functions that describe a space; see ``pyll_utils`` and ``hpsearch.hp``."""

from hpsearch.hyperopt.pyll_utils import hp_choice as choice
from hpsearch.hyperopt.pyll_utils import hp_lognormal as lognormal
from hpsearch.hyperopt.pyll_utils import hp_loguniform as loguniform
from hpsearch.hyperopt.pyll_utils import hp_normal as normal
from hpsearch.hyperopt.pyll_utils import hp_pchoice as pchoice
from hpsearch.hyperopt.pyll_utils import hp_qlognormal as qlognormal
from hpsearch.hyperopt.pyll_utils import hp_qloguniform as qloguniform
from hpsearch.hyperopt.pyll_utils import hp_qnormal as qnormal
from hpsearch.hyperopt.pyll_utils import hp_quniform as quniform
from hpsearch.hyperopt.pyll_utils import hp_randint as randint
from hpsearch.hyperopt.pyll_utils import hp_uniform as uniform
from hpsearch.hyperopt.pyll_utils import hp_uniformint as uniformint

__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "pchoice",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
    "uniformint",
]
