"""Protocols of talks: routing, latency, faithfulness, a recorded transcript."""
