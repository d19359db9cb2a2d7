"""History to facets, profile versions and migration."""
