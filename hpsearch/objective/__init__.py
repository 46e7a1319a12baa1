"""From the name of an objective to a function, and from what it returns to a result."""
