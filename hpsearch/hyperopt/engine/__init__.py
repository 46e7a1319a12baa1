"""What is behind Hyperopt's names: spaces, documents and trials on our engine."""
