"""Copies searches into tools that people look at already: MLflow and TensorBoard."""
