"""What the trials of a search show, as numbers: importance, effects, best ranges, statistics, forecasts."""
