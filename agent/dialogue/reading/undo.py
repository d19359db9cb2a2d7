"""Which change is to be taken back: by its number, by what it was about, or the last one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from agent.dialogue.sentences.lexicon import content_words, stem
from agent.dialogue.sentences.mentions import everyday, shared_part
from agent.dialogue.sentences.stance import keeps, means_no_gift
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import UndoArgs, WithdrawArgs

if TYPE_CHECKING:
    from agent.schema import Feedback

# Words of an undo that do not say what it is about.
_FRAME: Final = frozenset(
    """
    un unmute unmuted unmuting unhide unhidden unhiding unpin unblock unblocked unban unsilence
    undone undoing revert reverted annul allow allowed permit reallow okay ok oh wait sorry step
    steps action actions feedback setting settings mistake accident meant mean hiding hidden muted
    muting blocked blocking banned banning pinned pinning stopping showing giving suggesting
    recommending listing fewer boost gift gifts present presents wrong silly command did didn roll
    rolled normal again hah lol pls plz please thx actually really ah hmm well way before thing
    said says told today hang asked wants changed whoops oops
    everything fine good great changes last previous latest current own bring brought give both after
    happen happens exactly later later whole hm hmm thing things anything allowed welcome includes
    haha got harsh mine were they kidding only rules one reset morning today yesterday start beginning
    originally how the list
    """.split()
)
_FRAME_ZH: Final = re.compile(
    r"取消|解除|撤销|撤回|还原|恢复|误操作|误屏蔽|误删|误点|放回来|请回来|要回来|加回来|回来|重新|全部|所有|一切|回到|最初|原样|原状|还有一个|另一个|也|两个|都|操作|刚才|刚刚|上一步|上一|反馈|改动|更改|不必|无需|停止|继续|屏蔽|隐藏|静音|拉黑|不用|不需要|没必要|不许|对$"
)
_ACTIONS: Final = (
    (re.compile(r"\bmut|\bunmut|\bhid|\bunhid|\bblock|\bban|屏蔽|隐藏|拉黑", re.IGNORECASE), ("mute",)),
    (re.compile(r"\bpin|\bunpin|置顶|固定", re.IGNORECASE), ("pin",)),
    (re.compile(r"\bgifts?\b|\bpresents?\b|礼物", re.IGNORECASE), ("gift",)),
    (re.compile(r"\bless\b|\bfewer\b|少", re.IGNORECASE), ("less",)),
    (re.compile(r"\bmore\b|\bboost|多推荐|多给", re.IGNORECASE), ("more",)),
)
_LOWERS: Final = ("mute", "less")
# From which part of the words that a change's name says, it is the one that is meant.
_MEANT: Final = 0.5
# From which part on it says all of them.
_WHOLE: Final = 0.9
_SHOWN: Final = 6
_ALL: Final = re.compile(
    r"\b(?:undo|revert|reset|take|bring|put|restore|roll|drop|clear)\b.{0,20}\b(?:everything|all)\b"
    r"|\b(?:everything|all) (?:of (?:it|them) )?(?:back|undone)\b"
    r"|(?:全部|所有|一切|都).{0,6}(?:撤销|撤回|恢复|还原|要回来)"
    r"|(?:撤销|撤回|恢复|还原)(?:全部|所有|一切)|回到最初|恢复原[样状]",
    re.IGNORECASE,
)
_BOTH: Final = re.compile(r"\bboth\b|两(?:个|项|样|件|种)", re.IGNORECASE)
_PARTS: Final = re.compile(r"\s*(?:,|;|&|，|、|\band\b|\bplus\b|和|与|跟|以及|还有)\s*", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?:feedback|#|no\.?|number|第)\s*#?(\d+)", re.IGNORECASE)


def read_undo(ctx: ToolContext) -> UndoArgs | Draft:
    """Which feedback to take back; asks which where the words fit several of the changes in force or none."""
    if match := _NUMBER.search(ctx.question):
        return UndoArgs(feedback_id=int(match.group(1)) or None)
    live = [entry for entry in ctx.host.feedback() if not entry.undone and entry.action != "undo"]
    if means_no_gift(ctx.question):
        gifts = [entry for entry in live if entry.action == "gift"]
        return _taken(ctx, _said_together(gifts)) if gifts else _fixed(steer_say(ctx, "gift_none"))
    words = topic_words(ctx.question)
    lifts = keeps(ctx.question)
    if lifts:
        wanted = (
            ("pin",)
            if re.search(r"\bun-?\s?pin|\bpinn?(?:ing)?\b|置顶|固定", ctx.question, re.I)
            else _LOWERS
        )
        live = [entry for entry in live if entry.action in wanted]
        if not live:
            name = ctx.marked(" ".join(words))
            return _fixed(steer_say(ctx, "lift_none" if words else "lift_nothing", name=name))
    if _BOTH.search(ctx.question) and not words and live:
        return _taken(ctx, _last_wishes(live, 2))
    if _ALL.search(ctx.question) and not words and live:
        return _taken(ctx, live).model_copy(update={"everything": True})
    if not words and not lifts:
        return _by_action(ctx, live)
    if not words:
        return _taken(ctx, _said_together(live))
    if not live:
        return _fixed(steer_say(ctx, "undone_nothing"))
    return _by_parts(ctx, live, lifts=lifts) or _by_words(ctx, live, words, lifts=lifts)


def read_let_back(ctx: ToolContext, *, sure: bool) -> UndoArgs | WithdrawArgs | Draft | None:
    """What may come again: a change in force that hides or lowers it, or a filter; None for neither.

    Args:
        sure: the sentence says plainly that something is let back: then it is said that nothing was away.
    """
    words = topic_words(ctx.question)
    if not words:
        return None
    said = _said(words)
    live = [entry for entry in ctx.host.feedback() if not entry.undone and entry.action in (*_LOWERS, "gift")]
    if any(_fit(ctx, entry, said) >= _MEANT for entry in live):
        return _by_parts(ctx, live, lifts=True) or _by_words(ctx, live, words, lifts=True)
    slots = tuple(
        entry.slot
        for entry in ctx.state.constraints
        if entry.value and shared_part(said, entry.value) >= _MEANT
    )
    if slots:
        return WithdrawArgs(slots=slots)
    return _fixed(steer_say(ctx, "lift_none", name=ctx.marked(" ".join(words)))) if sure else None


def read_own(ctx: ToolContext) -> UndoArgs | Draft:
    """The gift, or other setting aside, that is taken back because it was the person's own."""
    gifts = [entry for entry in ctx.host.feedback() if not entry.undone and entry.action == "gift"]
    if not gifts:
        return _fixed(steer_say(ctx, "gift_none"))
    said = _said(topic_words(ctx.question))
    meant = [entry for entry in gifts if said and _fit(ctx, entry, said) >= _MEANT]
    return _taken(ctx, meant or _said_together(gifts))


def _by_parts(ctx: ToolContext, live: Sequence[Feedback], *, lifts: bool) -> UndoArgs | None:
    """Each of several that are named: “undo beer and cheese”; None where only one thing is named."""
    parts = [words for part in _PARTS.split(ctx.question) if (words := topic_words(part))]
    whole = _said(word for words in parts for word in words)
    if len(parts) < 2 or any(_fit(ctx, entry, whole) > _WHOLE for entry in live):
        return None
    found = [_by_words(ctx, live, words, lifts=lifts) for words in parts]
    ids = [number for one in found if isinstance(one, UndoArgs) for number in one.feedback_ids]
    if not ids:
        return None
    missed = [
        ctx.marked(" ".join(words)) for words, one in zip(parts, found, strict=True) if isinstance(one, Draft)
    ]
    note = steer_say(ctx, "undo_not", name=say(ctx, "comma").join(missed)) if missed else ""
    chosen = [entry for entry in live if entry.feedback_id in ids]
    return _taken(ctx, chosen).model_copy(update={"note": note})


def _last_wishes(live: Sequence[Feedback], count: int) -> list[Feedback]:
    """The last `count` wishes in force, with all of their steps."""
    left = list(live)
    last = _said_together(left)
    if len({(entry.action, entry.target) for entry in last}) >= count:
        return last  # two wishes of one sentence
    found: list[Feedback] = []
    for _ in range(count):
        if not left:
            break
        last = _said_together(left)
        found += last
        left = [entry for entry in left if entry not in last]
    return found


def _said(words: Iterable[str]) -> set[str]:
    return {stem(part) for word in words for part in everyday(word).split()}


def _by_action(ctx: ToolContext, live: Sequence[Feedback]) -> UndoArgs:
    """The last change of the kind that is named: “undo the mute”; the last of all where none is."""
    for pattern, actions in _ACTIONS:
        chosen = [entry for entry in live if entry.action in actions]
        if chosen and pattern.search(ctx.question):
            return _taken(ctx, _said_together(chosen))
    return UndoArgs()


def topic_words(question: str) -> list[str]:
    """What an undo is about, in words: without those that only ask for it.

    >>> topic_words("changed my mind about the pizza, bring it back"), topic_words("undo that, please")
    (['pizza'], [])
    """
    bare = _FRAME_ZH.sub(" ", question.replace("un-", "un"))
    return [word for word in content_words(bare) if word not in _FRAME and not word.startswith("n't")]


def _by_words(
    ctx: ToolContext, live: Sequence[Feedback], words: Sequence[str], *, lifts: bool
) -> UndoArgs | Draft:
    said = _said(words)
    for pattern, actions in () if lifts else _ACTIONS:
        chosen = [entry for entry in live if entry.action in actions]
        if pattern.search(ctx.question) and any(_fit(ctx, entry, said) >= _MEANT for entry in chosen):
            live = chosen
            break
    fits = {entry.feedback_id: _fit(ctx, entry, said) for entry in live}
    best = max(fits.values())
    shown = say(ctx, "comma").join(dict.fromkeys(named(ctx, entry) for entry in reversed(live)))
    if best < _MEANT:
        if lifts:
            return _fixed(steer_say(ctx, "lift_none", name=ctx.marked(" ".join(words))))
        return _fixed(steer_say(ctx, "undo_no_match", name=ctx.marked(" ".join(words)), shown=shown))
    hits = [entry for entry in live if fits[entry.feedback_id] > best - 0.05]
    wishes = list(dict.fromkeys(named(ctx, entry) for entry in hits))
    if len(wishes) > 1:
        return _fixed(steer_say(ctx, "undo_which", shown=say(ctx, "comma").join(wishes[:_SHOWN])))
    # Sizes and brands of one name were one wish.
    return _taken(ctx, [entry for entry in live if named(ctx, entry) == wishes[0]])


def _fit(ctx: ToolContext, entry: Feedback, said: set[str]) -> float:
    """Part of the words that the name of what a change is about says, 0–1."""
    codes = ctx.host.catalogue.item_codes
    name = entry.target
    if entry.target_kind == "item" and name in codes:
        name = ctx.host.catalogue.titles[codes[name]]
    elif entry.target_kind == "facet":
        name = next((facet.label for facet in ctx.profile.facets if facet.key == name), name)
    return shared_part(said, name)


def _said_together(entries: Sequence[Feedback]) -> list[Feedback]:
    """The last of the changes, and those of the same sentence or the same wish."""
    last = entries[-1]
    if last.utterance:
        return [entry for entry in entries if entry.utterance == last.utterance]
    same = (last.action, last.target_kind, last.target)
    return [entry for entry in entries if (entry.action, entry.target_kind, entry.target) == same]


def _taken(ctx: ToolContext, entries: Sequence[Feedback]) -> UndoArgs:
    name = say(ctx, "comma").join(dict.fromkeys(named(ctx, entry) for entry in entries))
    return UndoArgs(feedback_ids=tuple(entry.feedback_id for entry in entries), name=name)


def _fixed(text: str) -> Draft:
    return Draft((Sentence(text, claim=False),))
