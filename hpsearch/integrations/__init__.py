"""Other libraries' interfaces over searches: one module each, which imports its library."""
