"""Pictures of one user's interests through time, drawn as SVG by our own code."""
