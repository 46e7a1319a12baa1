"""Searches that began under Optuna: ``study_of`` reads one, ``import_study`` takes it over.

Only studies in databases other than SQLite need Optuna.
"""

from hpsearch.integrations.optuna.importing import Imported, import_study, study_of
from hpsearch.integrations.optuna.study import Study

__all__ = ["Imported", "Study", "import_study", "study_of"]
