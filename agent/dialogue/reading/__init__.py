"""From a question to the typed arguments of a tool."""
