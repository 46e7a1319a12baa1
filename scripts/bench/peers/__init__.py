"""Other optimizers, each in a virtual environment of its own and behind one interface.

``process`` starts ``serve`` under a peer's Python; ``serve`` runs the peer's adapter, the module of its name.
"""
