"""Run by `test_network_cut.py`, where it can be in a network namespace without any interface that is up.

Prints what the product did. Arguments: folder of the workspace to make, items, interactions, user. Offline
mode is off: nothing tells the product that the network is gone.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from agent import Agent
from agent.data.sniff import propose_toml
from agent.offline import network_fence
from agent.workspace import Workspace


def main(folder, items, interactions, user_id):
    """One JSON line: the stages of a list, who worded what, an answer of the chat, what was refused."""
    up = [name for _, name in socket.if_nameindex() if name != "lo"]
    Workspace(folder).create(propose_toml(interactions, items))
    with (
        network_fence() as refused,
        Agent.open(folder, offline=False, model="smollm2-135m") as agent,
    ):
        agent.ingest_items(items)
        agent.ingest_interactions(interactions)
        agent.index()
        (profile,) = agent.refresh([user_id])
        migration = agent.migration(user_id)
        listed = agent.recommend(user_id, 5)
        answer = agent.chat(user_id).ask("what changed lately?")
        found = {
            "interfaces": up,
            "refused": refused,
            "facet_models": [facet.worded_by for facet in profile.facets],
            "summary": [profile.summary, profile.note],
            "story": [migration.story, migration.worded_by, list(migration.rejected)],
            "titles": [entry.title for entry in listed],
            "stages": {stage.name: [stage.status, stage.detail] for stage in listed.stages},
            "answer": [" ".join(part.text for part in answer.sentences), answer.note],
            "stages_asked": sorted({call.stage for call in calls(agent)}),
            "failed": [call.outcome for call in calls(agent) if call.outcome not in ("ok", "degraded")],
        }
    sys.stdout.write(json.dumps(found) + "\n")


def calls(agent):
    """The ledger."""
    from agent.data.calls import CallTable

    return CallTable(agent.session.store).load_calls()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4])
