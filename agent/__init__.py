"""driftrec: recommendations that say how a person's interests have moved, and prove it.

>>> from agent import Agent, recommend  # doctest: +SKIP
>>> recommend("900", k=3, workspace="grocery")  # doctest: +SKIP
"""

from agent.agent import Agent, recommend
from agent.errors import (
    DataError,
    DriftrecError,
    LlmError,
    MissingExtraError,
    OfflineError,
    SettingsError,
    StoreError,
    WorkspaceNotFoundError,
)
from agent.schema import (
    Evidence,
    Facet,
    FacetChange,
    Interaction,
    Item,
    Migration,
    Profile,
    Recommendation,
    RecommendationList,
    StageReport,
)
from agent.settings import Settings, load_settings
from agent.workspace import Workspace

__all__ = [
    "Agent",
    "DataError",
    "DriftrecError",
    "Evidence",
    "Facet",
    "FacetChange",
    "Interaction",
    "Item",
    "LlmError",
    "Migration",
    "MissingExtraError",
    "OfflineError",
    "Profile",
    "Recommendation",
    "RecommendationList",
    "Settings",
    "SettingsError",
    "StageReport",
    "StoreError",
    "Workspace",
    "WorkspaceNotFoundError",
    "load_settings",
    "recommend",
]
