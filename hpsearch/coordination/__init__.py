"""Leading a search: read what finished, plan, suggest, insert, until it is over."""
