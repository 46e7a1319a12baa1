"""What a search has come to, as numbers and as text."""
