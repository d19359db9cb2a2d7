"""Data sets, splits, and what keeps the future from whatever ranks."""
