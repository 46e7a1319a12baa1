"""The parts of the convolutional network's search; a package, since a worker may serve several searches."""
