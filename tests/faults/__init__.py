"""A fleet under faults, and a checker that trusts nothing."""
