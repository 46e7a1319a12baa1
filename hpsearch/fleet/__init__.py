"""Workers on several machines, started, stopped and looked at over SSH."""
