"""The vocabulary: frozen value types that every room shares. Nothing here computes."""

from agent.schema.calls import LlmCall
from agent.schema.events import (
    Evidence,
    Feedback,
    FeedbackAction,
    FeedbackTarget,
    Interaction,
    Item,
    Observation,
)
from agent.schema.lists import (
    ItemTrace,
    Recommendation,
    RecommendationList,
    StageReport,
    StageStatus,
    TraceStage,
)
from agent.schema.migrations import (
    ChangeKind,
    ChangePoint,
    DislikeChange,
    DislikeKind,
    FacetChange,
    Migration,
    Season,
)
from agent.schema.plain import ItemId, UserId, WordedBy, to_plain
from agent.schema.profiles import (
    Facet,
    FacetDelta,
    FacetMark,
    FacetTimeline,
    OtherEvidence,
    PeriodUnit,
    Profile,
    ProfileDiff,
    Timeline,
)

__all__ = [
    "ChangeKind",
    "ChangePoint",
    "DislikeChange",
    "DislikeKind",
    "Evidence",
    "Facet",
    "FacetChange",
    "FacetDelta",
    "FacetMark",
    "FacetTimeline",
    "Feedback",
    "FeedbackAction",
    "FeedbackTarget",
    "Interaction",
    "Item",
    "ItemId",
    "ItemTrace",
    "LlmCall",
    "Migration",
    "Observation",
    "OtherEvidence",
    "PeriodUnit",
    "Profile",
    "ProfileDiff",
    "Recommendation",
    "RecommendationList",
    "Season",
    "StageReport",
    "StageStatus",
    "Timeline",
    "TraceStage",
    "UserId",
    "WordedBy",
    "to_plain",
]
