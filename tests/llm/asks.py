"""What the tests of the remote backend ask, and how a fault server tells a probe from the question."""

from __future__ import annotations

from agent.llm.backend import LlmRequest

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["a"],
    "additionalProperties": False,
}
ASK = LlmRequest("Answer with JSON.", "How many?", "test", schema=SCHEMA)
HELLO = LlmRequest("", "Hello.", "test")
KEY = "sk-very-secret-0123456789"


def is_probe(body):
    return body["messages"][-1]["content"] == "Say hello in JSON."
