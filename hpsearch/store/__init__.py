"""Where experiments, trials and workers are kept."""
