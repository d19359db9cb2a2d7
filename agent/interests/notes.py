"""What has to be said beside a profile or a migration, in the user's language: how much it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import NormalDist
from typing import Literal

from agent.interests.change_test import ChangeTest
from agent.interests.words import Language
from agent.schema import FacetChange
from agent.settings import InterestSettings

# In standard deviations: below this the history differs so little more than chance would have it (p above .4)
# that a number of sessions would be made up.
_LEAST_SCORE = 0.25

Said = Literal[
    "no events",
    "no likes",
    "one",
    "all left out",
    "few",
    "few beside seasons",
    "chance",
    "longer",
    "larger",
    "spread",
    "stretch",
    "returned",
    "unknown",
    "no text",
    "first",
    "unknown user",
    "popular",
    "left out, popular",
    "carried",
    "short",
    "newest",
]
_TEXT: dict[Language, dict[Said, str]] = {
    "en": {
        "no events": "No events yet: nothing can be said about change.",
        "no likes": (
            "None of the {n} event(s) shows an interest (dislikes, searches, items without text): nothing "
            "can be said about change."
        ),
        "one": (
            "One session so far: at least {least} before and {least} after are needed to tell, and 20 in all "
            "to see a moderate change."
        ),
        "all left out": "All {n} event(s) are gifts or left out: none counts, so nothing is known.",
        "few": (
            "Too few sessions to tell: {before} before and {after} after; at least {least} in each are "
            "needed, and 20 in all to see a moderate change."
        ),
        "few beside seasons": (
            "Too few sessions beside what comes with the seasons to tell: {before} before and {after} after; "
            "at least {least} in each are needed, and 20 in all to see a moderate change."
        ),
        "chance": "No change beyond chance (p = {p:.3f} over {n} sessions).",
        "longer": (
            " If it goes on like this, about {needed} sessions would be needed to tell; or a larger change."
        ),
        "larger": " A larger change would be needed to tell: more of the same would not do.",
        "spread": (
            "The mix moved beyond chance, spread over many interests; no single one stands out after "
            "correction for their number."
        ),
        "stretch": (
            "A stretch in between differs from what lies around it beyond chance, spread over many "
            "interests; no single one stands out after correction for their number."
        ),
        "returned": (
            "The mix as a whole is where it was (p = {p:.3f}), but an interest left and came back in between."
        ),
        "unknown": "No events before this moment: nothing is known about this user.",
        "no text": "Rests on {n} event(s), none of which shows an interest in an item with text: no facets.",
        "first": "Rests on {n} event(s) in {sessions} session(s) only: a first impression.",
        "unknown user": "User {user!r} is unknown: this is what is popular.",
        "popular": "No events of this user before that moment: this is what is popular.",
        "left out, popular": (
            "All {n} event(s) of this user are gifts or left out: none counts, so this is what is popular."
        ),
        "carried": "Nothing liked in {domain!r} yet: this rests on interests elsewhere.",
        "short": "Only {found} items are left after the filters; {asked} were asked for.",
        "newest": "Change was looked for in the newest {n} of {sessions} sessions.",
    },
    "zh": {
        "no events": "还没有任何事件：无法判断是否有变化。",
        "no likes": "{n}个事件都不表示兴趣（不喜欢、搜索或没有文字的物品）：无法判断是否有变化。",
        "one": (
            "目前只有一次会话：之前至少需要{least}次、之后至少需要{least}次才能判断，"
            "要看出中等的变化一共需要20次。"
        ),
        "all left out": "{n}个事件全是礼物或被排除：都不计入，因此一无所知。",
        "few": (
            "会话太少，无法判断：之前{before}次，之后{after}次；两边各至少需要{least}次，"
            "要看出中等的变化一共需要20次。"
        ),
        "few beside seasons": (
            "除随季节而来的以外会话太少，无法判断：之前{before}次，之后{after}次；两边各至少需要{least}次，"
            "要看出中等的变化一共需要20次。"
        ),
        "chance": "没有超出偶然的变化（{n}次会话，p = {p:.3f}）。",
        "longer": "照此下去，大约需要{needed}次会话才能判断，或者需要更大的变化。",
        "larger": "需要更大的变化才能判断：照旧的会话再多也看不出来。",
        "spread": "整体构成的变化超出偶然，但分散在许多兴趣上；按数目校正后没有哪一个单独突出。",
        "stretch": "中间有一段与前后不同，超出偶然，但分散在许多兴趣上；按数目校正后没有哪一个单独突出。",
        "returned": "整体构成没有变（p = {p:.3f}），但有兴趣在中间离开后又回来了。",
        "unknown": "在此之前没有任何事件：对该用户一无所知。",
        "no text": "依据{n}个事件，其中没有一个表示对带文字的物品有兴趣：没有兴趣可言。",
        "first": "仅依据{sessions}次会话中的{n}个事件：只是初步印象。",
        "unknown user": "用户{user!r}未知：以下是热门物品。",
        "popular": "该用户在此之前没有任何事件：以下是热门物品。",
        "left out, popular": "该用户的{n}个事件全是礼物或被排除：都不计入，因此以下是热门物品。",
        "carried": "在{domain!r}中还没有喜欢过任何物品：以下依据其他领域的兴趣。",
        "short": "筛选后只剩{found}个物品；要求的是{asked}个。",
        "newest": "只在全部{sessions}次会话中最新的{n}次里寻找变化。",
    },
}


def say(language: Language, said: Said, **figures: float | str) -> str:
    """One of the sentences, with its figures and names."""
    return _TEXT[language][said].format(**figures)


def nothing_note(n_events: int, n_sessions: int, *, n_left_out: int, least: int, language: Language) -> str:
    """Why there are no two windows to compare: no event, none that counts, none of liking, or one session.

    Args:
        n_events: that count.
        n_sessions: with an event in a facet.
        n_left_out: events that do not count: gifts, and what the caller left out.
        least: sessions that each window needs.
    """
    if not n_events:
        return say(language, "all left out", n=n_left_out) if n_left_out else say(language, "no events")
    if not n_sessions:
        return say(language, "no likes", n=n_events)
    return say(language, "one", least=least)


def migration_note(
    whole: ChangeTest,
    n_sessions: int,
    changes: Sequence[FacetChange],
    *,
    settings: InterestSettings,
    language: Language,
) -> str:
    """What has to be said beside the changes; empty when the whole and single facets moved alike.

    An abstention says what would be needed to tell: the score of a steady difference grows in proportion to
    the number of sessions, so that number is carried on to where the p-value would reach `settings.alpha`.
    """
    if whole.p_value >= settings.alpha:
        lead = say(language, "chance", p=whole.p_value, n=n_sessions)
        score, wanted = (-NormalDist().inv_cdf(p) for p in (min(whole.p_value, 0.999), settings.alpha))
        if score < _LEAST_SCORE:
            return lead + say(language, "larger")
        needed = max(n_sessions * wanted / score, n_sessions + 1)
        return lead + say(language, "longer", needed=10 * ceil(needed / 10))
    shifted = whole.shift_p < settings.alpha
    kinds = {change.kind for change in changes if change.kind != "seasonal"} - {"stable"}
    if not kinds:
        return say(language, "spread" if shifted else "stretch")
    return "" if shifted else say(language, "returned", p=whole.shift_p)


def profile_note(
    n_interactions: int, n_sessions: int, n_facets: int, *, settings: InterestSettings, language: Language
) -> str:
    """How little a profile rests on; empty when that is enough."""
    if not n_facets:
        return say(language, "no text", n=n_interactions)
    if n_sessions < settings.min_sessions:
        return say(language, "first", n=n_interactions, sessions=n_sessions)
    return ""
