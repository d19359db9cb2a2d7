"""What a reason has to add: that the user asked for it, or from where an interest was carried over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.dialogue.reasons import Reason
from agent.interests.evidence import day_name
from agent.interests.feedback import Wish
from agent.interests.state import UserState
from agent.interests.words import Language, percent, short_title
from agent.schema import Evidence

_CLOSEST: Final = 3
_EVENTS_PER_ITEM: Final = 2
_REMARKS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "pinned": "you pinned “{name}”",
        "more": "you asked for more of “{name}”",
        "less": "you asked for less of “{name}”, so this counts less",
        "join": "; ",
        "stop": ".",
    },
    "zh": {
        "pinned": "你固定了“{name}”",
        "more": "你要求多推荐“{name}”",
        "less": "你要求少推荐“{name}”，因此权重已降低",
        "join": "；",
        "stop": "。",
    },
}
_CARRIED: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "facet": "because of your interest in “{label}” ({domain}; {share} now)",
        "close": "closest to {titles}",
        "and": " and ",
    },
    "zh": {
        "facet": "因为你对“{label}”感兴趣（{domain}；现在占{share}）",
        "close": "与{titles}最接近",
        "and": "和",
    },
}


def name_wish(wish: Wish, state: UserState, catalogue: Catalogue) -> str:
    """What the wish is called: the facet's label, the category, the item's title."""
    kind, target = wish
    if kind == "facet":
        shown = state.shown
        return shown[target].label if target in shown else target
    if kind == "item" and target in catalogue.item_codes:
        return short_title(catalogue.titles[catalogue.item_codes[target]])
    return target


def add_remarks(
    reason: Reason,
    item: int,
    state: UserState,
    *,
    members: Mapping[Wish, NDArray[np.bool_]],
    catalogue: Catalogue,
    language: Language,
) -> Reason:
    """`reason` with what the user asked for about this item, if anything."""
    words, parts = _REMARKS[language], []
    for wish, member in members.items():
        if not member[item]:
            continue
        name = name_wish(wish, state, catalogue)
        if wish[0] == "facet" and wish[1] in state.feedback.pinned:
            parts.append(words["pinned"].format(name=name))
        if step := state.feedback.steps.get(wish, 0):
            parts.append(words["more" if step > 0 else "less"].format(name=name))
    if not parts:
        return reason
    text = words["join"].join([reason.text.rstrip(words["stop"]), *parts]) + words["stop"]
    return Reason(text, reason.facets, reason.evidence)


def explain_carried(
    item: int, key: str, state: UserState, *, share: float, catalogue: Catalogue, language: Language
) -> Reason:
    """The reason for an item of a domain the user has no events in: which interest speaks for it, and whence.

    The evidence is their own events on the items of that facet that are closest to it by text.
    """
    words, log = _CARRIED[language], state.log
    position = state.frame.keys.index(key)
    rows = np.flatnonzero(state.sessions.facet == position)
    domains = Counter(catalogue.domains[code] or "?" for code in log.item[rows])
    domain = min(domains, key=lambda name: (-domains[name], name)) if domains else "?"
    parts = [words["facet"].format(label=state.shown[key].label, domain=domain, share=percent(share))]
    close = _closest(item, log.item[rows], catalogue)
    if len(close):
        titles = dict.fromkeys(short_title(catalogue.titles[code]) for code in close)
        quoted = [f"《{title}》" if language == "zh" else title for title in list(titles)[:2]]
        parts.append(words["close"].format(titles=words["and"].join(quoted)))
    cited = [rows[log.item[rows] == code][::-1][:_EVENTS_PER_ITEM] for code in close]
    text = _REMARKS[language]["join"].join(parts) + _REMARKS[language]["stop"]
    return Reason(text[:1].upper() + text[1:], (key,), _evidence(state, catalogue, cited))


def _closest(item: int, taken: NDArray[np.int32], catalogue: Catalogue) -> NDArray[np.int32]:
    codes = np.unique(taken)
    if catalogue.vectors is None or catalogue.text_row[item] < 0 or not len(codes):
        return codes[:0]
    similarity = catalogue.item_vectors(codes) @ catalogue.vectors[catalogue.text_row[item]]
    return codes[np.argsort(-similarity, kind="stable")[:_CLOSEST]]


def _evidence(
    state: UserState, catalogue: Catalogue, cited: Sequence[NDArray[np.int64]]
) -> tuple[Evidence, ...]:
    rows = np.sort(np.concatenate(cited))[::-1] if cited else np.empty(0, np.int64)
    by_day: dict[int, list[int]] = {}
    for row in rows:
        by_day.setdefault(int(state.log.day[row]), []).append(int(row))
    return tuple(
        Evidence(
            day=day_name(day),
            interaction_ids=tuple(int(state.log.interaction_id[row]) for row in members),
            titles=tuple(dict.fromkeys(catalogue.titles[state.log.item[row]] for row in members)),
        )
        for day, members in by_day.items()
    )
