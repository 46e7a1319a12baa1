"""Pictures of a search as values: one builder a kind of picture, listed in ``kinds``; no plot library."""
