"""Where experiments, trials and workers are kept: the promises, the documents, and what keeps them."""
