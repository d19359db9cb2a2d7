from __future__ import annotations

import doctest
import importlib

import pytest

from agent.interests.wording import LABEL_SCHEMA
from agent.llm.openai_dialect import _without
from agent.llm.validation import describe_shape


@pytest.mark.parametrize(
    "name", ["agent.llm.validation", "agent.llm.address", "agent.llm.pii", "agent.settings"]
)
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (LABEL_SCHEMA, '{"label": <text, 2 to 40 characters>, "description": <text, 2 to 120 characters>}'),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
            "[<text>, …], 2 of them",
        ),
        ({"type": "number", "minimum": 0.5}, "<number, at least 0.5>"),
        ({"enum": ["是", "否", 3]}, '"是" or "否" or 3'),
        ({"const": 7}, "7"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "object"}, '{"type": "object"}'),
        ({"anyOf": [{"type": "null"}]}, '{"anyOf": [{"type": "null"}]}'),
    ],
)
def test_a_schema_is_told_as_the_form_of_the_answer(schema, shape):
    assert describe_shape(schema) == shape


def test_keywords_are_taken_out_and_properties_of_their_names_stay():
    schema = {
        "type": "object",
        "properties": {"maximum": {"type": "integer", "maximum": 9, "enum": [1, 2]}},
        "anyOf": [{"maximum": 3, "type": "integer"}],
    }
    assert _without(schema, {"maximum", "seed"}) == {
        "type": "object",
        "properties": {"maximum": {"type": "integer", "enum": [1, 2]}},
        "anyOf": [{"type": "integer"}],
    }
