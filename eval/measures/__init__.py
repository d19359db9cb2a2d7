"""Metrics, intervals and tests, and the oracles they are compared with."""
