"""Hyperopt's ``utils``: what integrators take from there."""

from hpsearch.hyperopt.documents import coarse_utcnow
from hpsearch.hyperopt.domain import use_obj_for_literal_in_memo
from hpsearch.hyperopt.statistics import pmin_sampled

__all__ = ["coarse_utcnow", "pmin_sampled", "use_obj_for_literal_in_memo"]
