"""Ask and tell: searches whose trials the caller evaluates, under a lease as a worker's."""
