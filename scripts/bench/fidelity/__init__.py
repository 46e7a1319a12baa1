"""A simulated fleet on learning curves, to measure what pruning gains."""
