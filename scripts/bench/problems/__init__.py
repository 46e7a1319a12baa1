"""The problems that algorithms are compared on, by ``quality.py`` and with peers.

``families.make`` builds a problem from its name, such as ``"tree:1"``; ``suites.load`` reads a list of names.
"""
