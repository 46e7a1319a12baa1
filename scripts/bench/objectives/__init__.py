"""Problems with several objectives or outcome limits, for ``fronts.py``."""
