"""Objectives that are programs: a command line with holes for the parameters."""
