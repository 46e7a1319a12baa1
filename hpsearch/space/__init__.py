"""Search spaces: expressions, distributions, the flat tree, JSON."""
