"""A Gaussian process (GP) over a conditional tree of parameters."""
