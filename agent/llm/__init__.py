"""Language models: backends, registry, prompts."""
