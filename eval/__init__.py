"""Evaluation: data sets, splits, metrics, protocols, benchmarks."""
