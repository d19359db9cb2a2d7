"""Reasons and explanations."""
