"""Services of a process: logs, events, signals, health, private files, GPUs, numerical settings."""
