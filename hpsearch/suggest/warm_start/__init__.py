"""Warm start: the first trials of a search are points that did well in earlier ones.

``space_match`` maps points of another space to this one, with ``options`` for the options of choices;
``portfolio`` chooses points that are good in as many of the earlier searches as possible; ``suggester``
proposes them before anything else.
"""
