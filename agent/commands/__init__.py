"""The commands of `driftrec` by theme; `agent.cli` puts them together."""
