"""Holding a model's text to its schema, for backends that cannot do so by construction."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_FENCED = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL)


def check_schema(schema: Mapping[str, Any]) -> str:
    """What is wrong with a JSON schema; empty when nothing is."""
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return str(error.message)
    return ""


def find_problem(text: str, schema: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, str]:
    """The object in `text`, and what is wrong with it (then the object is None).

    Markdown code fences around the object are taken off. Without a schema nothing is parsed.
    """
    if schema is None:
        return None, ""
    import jsonschema

    stripped = text.strip()
    fenced = _FENCED.match(stripped)
    try:
        data = json.loads(fenced[1] if fenced else stripped)
    except ValueError as error:
        return None, f"the answer is not JSON ({error})"
    if not isinstance(data, dict):
        return None, f"expected a JSON object, got {type(data).__name__}"
    problems = sorted(jsonschema.Draft202012Validator(schema).iter_errors(data), key=str)
    if problems:
        where = "/".join(map(str, problems[0].absolute_path)) or "the object"
        return None, f"{where}: {problems[0].message}"
    return data, ""
