"""What all commands share: their options, which database they work on, and how they end."""
