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


def describe_shape(schema: Mapping[str, Any]) -> str:
    """A JSON schema as the form of an answer, for models: small ones that are shown a schema give it back.

    >>> describe_shape({"type": "object", "properties": {"a": {"type": "integer", "maximum": 9}}})
    '{"a": <integer, at most 9>}'
    """
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
    kind = schema.get("type")
    if kind == "object" and isinstance(schema.get("properties"), Mapping):
        fields = (
            f"{json.dumps(name)}: {describe_shape(part)}" for name, part in schema["properties"].items()
        )
        return "{" + ", ".join(fields) + "}"
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"[{describe_shape(schema['items'])}, …]{_between(schema, 'minItems', 'maxItems', ' of them')}"
    if kind == "string":
        return f"<text{_between(schema, 'minLength', 'maxLength', ' characters')}>"
    if kind in ("integer", "number"):
        return f"<{kind}{_between(schema, 'minimum', 'maximum', '')}>"
    if kind == "boolean":
        return "true or false"
    return json.dumps(schema, ensure_ascii=False, default=dict)


def _between(schema: Mapping[str, Any], low: str, high: str, unit: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is not None and most is not None:
        return f", {least} to {most}{unit}" if least != most else f", {least}{unit}"
    if most is not None:
        return f", at most {most}{unit}"
    return f", at least {least}{unit}" if least is not None else ""
