"""What a process needs around its work: logs, events, signals, health, private files, GPUs."""
