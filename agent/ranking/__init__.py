"""Candidates, fusion, prompt rerank, confidence."""
