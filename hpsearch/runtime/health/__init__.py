"""What a process says of itself when it is asked over HTTP: that it lives, that it is ready, its numbers."""
