"""One page that explains a run."""
