"""What stands in the pictures beside the facets' names, English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

from agent.dialogue.pictures.style import Kind
from agent.interests.words import Language

_LOG_MILLION = log(1_000_000)


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed texts of one language; the names say where each one stands."""

    kinds: dict[Kind, str]
    heading: str
    finding: str
    up: str
    down: str
    both: str
    join: str
    stream: str
    stream_note: str
    points_note: str
    flow: str
    other: str
    before: str
    after: str
    sessions: str
    n_sessions: str
    window: str
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
    still: str
    season: str
    spread: str
    returned: str
    few: str
    few_in_all: str
    unsure: str
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
    finding="User {user}: {finding}",
    up="{names} up",
    down="{names} down",
    both="{up}; {down}",
    join=", ",
    stream="Interests through time",
    stream_note=(
        "Share of activity; each moment is a weighted mean of the sessions within {days} days, "
        "up to {most} where they are rare."
    ),
    points_note=" Dotted: change points.",
    flow="Before and after",
    other="other ({n} interest{s})",
    before="before",
    after="after",
    sessions="sessions",
    n_sessions="{n} session{s}",
    window="{name} · {sessions}",
    at_most="up to {n}",
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
    more="and {n} more day{s}",
    note="Note",
    verdict="Moved {score} standard deviations beyond shuffled days, p = {p}",
    no_change="No clear change, p = {p}",
    still="no clear change",
    season="{names} by season",
    spread="the mix moved, no single interest stands out",
    returned="an interest left and came back",
    few=("Too few sessions to tell: {before} before and {after} after; at least {least} in each are needed."),
    few_in_all="Too few sessions to tell a change: at least {least} before and {least} after are needed.",
    unsure="No change beyond chance. A longer history, or a larger change, would be needed to tell.",
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
    finding="用户 {user}：{finding}",
    up="{names}增多",
    down="{names}减少",
    both="{up}，{down}",
    join="、",
    stream="兴趣随时间的变化",
    stream_note="各兴趣占活动的比例；每一时刻取前后 {days} 天内活动的加权平均，稀少处最多 {most} 天。",
    points_note="虚线：变化点。",
    flow="前后对比",
    other="其他（{n} 项兴趣）",
    before="之前",
    after="之后",
    sessions="活动次数",
    n_sessions="{n} 次活动",
    window="{name}（{sessions}）",
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
    still="没有明显的变化",
    season="{names}随季节而来",
    spread="整体比例有变化，没有哪一项兴趣特别突出",
    returned="有一项兴趣中途离开，后来又回归",
    few="活动次数太少，无法判断：之前 {before} 次，之后 {after} 次；前后各需至少 {least} 次。",
    few_in_all="活动次数太少，无法判断变化：前后各需至少 {least} 次。",
    unsure="没有超出偶然的变化。需要更长的记录或更大的变化才能判断。",
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
    """The last day of a window that ends before `end`, the begin of a day."""
    # Half a day back: where clocks skip midnight a day begins at one.
    return day_text(end - timedelta(hours=12))


def span_text(start: datetime, end: datetime) -> str:
    """The first and the last day of `[start, end)`."""
    return f"{day_text(start)} – {last_day(end)}"


def counted(text: str, n: int) -> str:
    """`text` with a number in it, and with `{s}` where English marks the plural.

    >>> counted("{n} session{s}", 1), counted("{n} session{s}", 1200)
    ('1 session', '1,200 sessions')
    """
    return text.format(n=f"{n:,}", s="" if n == 1 else "s")


def odds_text(log_odds: float) -> str:
    """Odds in figures that can be read; beyond a million only that.

    >>> odds_text(7.2), odds_text(30.0)
    ('1,339', '> 1,000,000')
    """
    return "> 1,000,000" if log_odds > _LOG_MILLION else f"{exp(log_odds):,.0f}"
