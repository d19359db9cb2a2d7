"""What stands in the pictures beside the facets' names, English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

from agent.dialogue.pictures.style import Kind
from agent.interests.words import Language
from agent.schema import Migration

_LOG_MILLION = log(1_000_000)


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed texts of one language; the names say where each one stands."""

    kinds: dict[Kind, str]
    heading: str
    stream: str
    stream_note: str
    flow: str
    other: str
    before: str
    after: str
    sessions: str
    n_sessions: str
    at_most: str
    dislikes: str
    odds: str
    change_points: str
    by_model: str
    by_facts: str
    story: str
    changes: str
    columns: tuple[str, ...]
    crowd: str
    evidence: str
    interactions: str
    more: str
    note: str
    verdict: str
    no_change: str
    too_little: str
    dislike_kinds: dict[str, str]
    rated_low: str
    rejected: str
    months: tuple[str, ...]
    month_of_year: str
    footer: str


_EN = Words(
    kinds={
        "new": "new",
        "rising": "rising",
        "returned": "returned",
        "seasonal": "seasonal",
        "stable": "stable",
        "untested": "not tested",
        "fading": "fading",
        "dropped": "dropped",
    },
    heading="Interests of {user}",
    stream="Interests through time",
    stream_note=(
        "Share of activity; each moment is a weighted mean of the sessions within {days} days. "
        "Dashed: change points."
    ),
    flow="Before and after",
    other="other ({n} interests)",
    before="before",
    after="after",
    sessions="sessions",
    n_sessions="{n} sessions",
    at_most="at most {n}",
    dislikes="dislikes",
    odds="odds {odds} : 1 for a change here",
    change_points="Change points",
    by_model="worded by {model}",
    by_facts="plain facts",
    story="The story",
    changes="Changes",
    columns=("change", "interest", "before", "after", "effect", "p", "q"),
    crowd="everyone moved so",
    evidence="evidence",
    interactions="interactions",
    more="and {n} more days",
    note="Note",
    verdict="Moved {score} standard deviations beyond shuffled days, p = {p}",
    no_change="No clear change, p = {p}",
    too_little="There are too few sessions to draw this.",
    dislike_kinds={"new": "new", "lasting": "lasting", "withdrawn": "liked since"},
    rated_low="rated low",
    rejected="disliked",
    months=tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()),
    month_of_year="{month} {year}",
    footer="Computed by driftrec from the user's own events; p: days shuffled; q: false discovery rate.",
)
_ZH = Words(
    kinds={
        "new": "新出现",
        "rising": "上升",
        "returned": "回归",
        "seasonal": "季节性",
        "stable": "稳定",
        "untested": "未检验",
        "fading": "减弱",
        "dropped": "停止",
    },
    heading="{user} 的兴趣",
    stream="兴趣随时间的变化",
    stream_note="各兴趣占活动的比例；每一时刻取前后 {days} 天内各次活动的加权平均。虚线：变化点。",
    flow="前后对比",
    other="其他（{n} 项兴趣）",
    before="之前",
    after="之后",
    sessions="活动次数",
    n_sessions="{n} 次活动",
    at_most="最多 {n}",
    dislikes="不喜欢",
    odds="此处发生变化的几率为 {odds} : 1",
    change_points="变化点",
    by_model="由 {model} 撰写",
    by_facts="仅列事实",
    story="变化的经过",
    changes="各项变化",
    columns=("变化", "兴趣", "之前", "之后", "效应", "p", "q"),
    crowd="大家都有此变化",
    evidence="依据",
    interactions="交互",
    more="另有 {n} 天",
    note="说明",
    verdict="超出随机打乱日期 {score} 个标准差，p = {p}",
    no_change="没有明显的变化，p = {p}",
    too_little="活动次数太少，无法作图。",
    dislike_kinds={"new": "新增", "lasting": "一直如此", "withdrawn": "后来又喜欢"},
    rated_low="评分低",
    rejected="表示不喜欢",
    months=tuple(f"{number}月" for number in range(1, 13)),
    month_of_year="{year}年{month}",
    footer="由 driftrec 根据用户自己的记录计算；p：打乱整天次序的检验；q：错误发现率。",
)


def words_of(language: Language) -> Words:
    """The fixed texts of a language."""
    return _ZH if language == "zh" else _EN


def day_text(moment: datetime) -> str:
    """The UTC day of `moment`, the same in every language."""
    return f"{moment:%Y-%m-%d}"


def last_day(end: datetime) -> str:
    """The last day of a window that ends before `end`."""
    return day_text(end - timedelta(microseconds=1))


def odds_text(log_odds: float) -> str:
    """Odds in figures that can be read; beyond a million only that.

    >>> odds_text(7.2), odds_text(30.0)
    ('1,339', '> 1,000,000')
    """
    return "> 1,000,000" if log_odds > _LOG_MILLION else f"{exp(log_odds):,.0f}"


def verdict(migration: Migration, words: Words) -> str:
    """One line on whether the user moved at all."""
    if migration.before is None or not migration.changes:
        return migration.note or words.too_little
    p_value = f"{migration.p_value:.4f}"
    if migration.abstained:
        return words.no_change.format(p=p_value)
    return words.verdict.format(score=f"{migration.drift_score:.1f}", p=p_value)
