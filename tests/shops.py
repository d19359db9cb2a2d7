"""A workspace with one of the small catalogues in it, as the tests of several rooms need one."""

from __future__ import annotations

import contextlib

from agent import Agent
from agent.data.sniff import propose_toml
from agent.workspace import Workspace


@contextlib.contextmanager
def new_shop(folder, files, *, extra=""):
    """An open agent without a language model; items and interactions of `files` are in its new workspace."""
    items, interactions = files
    Workspace(folder).create(propose_toml(interactions, items) + extra)
    with Agent.open(folder, model="none") as agent:
        agent.ingest_items(items)
        agent.ingest_interactions(interactions)
        yield agent
