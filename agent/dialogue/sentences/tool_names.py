"""The names of the tools of a talk."""

from __future__ import annotations

from typing import Literal

ToolName = Literal[
    "recommend",
    "explain",
    "why_not",
    "counterfactual",
    "compare",
    "profile",
    "migration",
    "as_of",
    "what_if",
    "search",
    "pin",
    "mute",
    "less",
    "more",
    "gift",
    "undo",
    "about_me",
    "forget",
    "constraints",
    "help",
    "refuse",
]
