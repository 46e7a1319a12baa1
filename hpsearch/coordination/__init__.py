"""Leads a search to its end: reads finished trials, plans, suggests and inserts new ones."""
