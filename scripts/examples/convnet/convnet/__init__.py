"""The parts of the convolutional network's search; a name of its own, since a worker may serve several."""
