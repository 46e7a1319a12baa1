"""Several objectives and outcome limits: the order of trials, and what a GP expects to gain."""
