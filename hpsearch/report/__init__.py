"""Searches and spaces as numbers, text and pictures."""
