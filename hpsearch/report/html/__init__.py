"""A search as one HTML file that needs no server, no network and, but for its pictures, no JavaScript."""
