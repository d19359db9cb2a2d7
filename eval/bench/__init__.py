"""The figures that the project promises, and the README's pictures."""
