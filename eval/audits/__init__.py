"""Audits: what a language model does that accuracy alone does not show, and what people say."""
