"""What is right and wrong with a database and a machine: facts in, findings out."""
