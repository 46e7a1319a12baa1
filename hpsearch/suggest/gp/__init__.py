"""A Gaussian process over a conditional tree of parameters."""
