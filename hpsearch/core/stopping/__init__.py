"""Stopping of trials that will not win: what a worker needs to decide.

A search learns a policy, a plain document, from its trials. A worker decides by it at each report, without a
round trip: ``curve`` turns the reports of a trial into values at fixed rungs, and ``decision`` compares them
with the policy. ``chain`` predicts final losses, and ``paired`` compares the values of two trials.
"""
