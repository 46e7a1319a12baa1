"""Storage of experiments, trials and workers: the guarantees, the documents, and the stores."""
