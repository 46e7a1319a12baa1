"""Figures as files, with matplotlib (extra ``plot``), which is imported only when something is drawn."""
