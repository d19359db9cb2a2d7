"""What is said of wishes that are not done at once, and of changes that are taken back by name."""

# ruff: noqa: E501 - phrases read better unbroken

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.dialogue.talk.phrases import Speaker
from agent.interests.words import Language

STEER_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "supposed": "Nothing was changed: you only asked about it. Carried out, I would {what}. Say “yes” and I do it and tell you what it did to your list; “undo” brings the list back.",
        "reported": "I am not sure that you want this done, so nothing was changed. I would {what}: say “yes” to do it.",
        "wider": "{name} is the nearest that I have to your words, and it is wider than they are, so nothing was changed yet. I would {what}: say “yes” to do it.",
        "undo_named": "take back: {name}",
        "lift_none": "Nothing of {name} is muted or lowered, so there is nothing to take back; nothing was changed.",
        "lift_nothing": "Nothing is muted or lowered, so there is nothing to take back; nothing was changed.",
        "gift_none": "Nothing is set aside as a gift, so there is nothing to take back; nothing was changed.",
        "undo_no_match": "No change in force is about {name}, so nothing was taken back. In force: {shown}. Name one of them, or say “undo” for the latest.",
        "undo_which": "Which one do you mean: {shown}? Nothing was taken back yet.",
        "undone_nothing": "No change is in force, so there is nothing to undo.",
        "not_done": "I did one thing. Not done: “{rest}”. Say that by itself if you want it too.",
        "all_sizes": "That goes for all {n} items that begin with these words.",
        "unmuted": "It was muted; that is lifted.",
        "under_filter": "Your list of now stays the same, because of what holds for it ({shown}); without that it changes.",
        "others_hold": "Your list is not yet as it was before that, because these still hold: {shown}.",
        "undo_not": "No change in force is about {name}.",
        "now_at": "{title} had no place; now it is {place}.",
        "kept": "Nothing was taken back: every change stays as it is.",
        "dropped": "All right, I leave it at that. Nothing was changed.",
        "no_taste": "No item says how “{word}” it is, so nothing was changed. Name a kind of thing instead.",
        "forget_what": "I can set aside single purchases (“forget the beer of November”), a span of time (“forget my March purchases”) or this talk (“forget this talk”); the log itself is append-only. Nothing was changed.",
        "no_filter": "You asked what would happen, so I set no filter.",
        "not_forgotten": "Nothing was forgotten or deleted, and nothing was changed. If you want something shown or kept, say it by itself: “more coffee”, “pin coffee”.",
        "repeats": "Your question repeats the same word or two, and I can make no sense of it.",
        "was_cut": "Your question is too long: I read only its first {n:,} characters, and what I read made no sense to me.",
    },
    "zh": {
        "supposed": "什么都没有改动：您只是在问。真要做的话，我会{what}。说“是”我就执行，并告诉您列表有什么变化；“撤销”可以恢复。",
        "reported": "不确定您是否真要这样做，所以什么都没有改动。我会{what}：要执行请说“是”。",
        "wider": "{name}是与您的话最接近的，但范围比您说的大，所以还没有改动。我会{what}：要执行请说“是”。",
        "undo_named": "撤销：{name}",
        "lift_none": "{name}没有被屏蔽，也没有被减少，所以没有可撤销的；什么都没有改动。",
        "lift_nothing": "没有任何东西被屏蔽或减少，所以没有可撤销的；什么都没有改动。",
        "gift_none": "没有任何记录被当作礼物，所以没有可撤销的；什么都没有改动。",
        "undo_no_match": "生效的改动里没有与{name}有关的，所以什么都没有撤销。生效的有：{shown}。请说出其中一项，或说“撤销”来撤销最近一次。",
        "undo_which": "您指的是哪一项：{shown}？还没有撤销任何改动。",
        "undone_nothing": "没有生效的改动，所以没有可撤销的。",
        "not_done": "只做了一件事。没有做的是：“{rest}”。如果也需要，请单独说一遍。",
        "all_sizes": "以这几个字开头的{n}种都算在内。",
        "unmuted": "它原来被屏蔽，现已解除。",
        "under_filter": "由于当前的条件（{shown}），现在的列表没有变化；去掉条件后会有变化。",
        "others_hold": "列表还没有回到之前的样子，因为这些改动仍然生效：{shown}。",
        "undo_not": "生效的改动里没有与{name}有关的。",
        "now_at": "{title}原来没有名次，现在{place}。",
        "kept": "什么都没有撤销：所有改动保持不变。",
        "dropped": "好的，就这样。什么都没有改动。",
        "no_taste": "没有物品注明有多“{word}”，所以什么都没有改动。请说出某一类东西。",
        "forget_what": "可以不再计入某些购买（“忘掉11月买的啤酒”）、某段时间（“忘掉三月的购买”）或本次谈话（“忘掉这次聊天”）；日志只增不减。什么都没有改动。",
        "no_filter": "您问的是会怎么样，所以没有设置任何筛选条件。",
        "not_forgotten": "没有忘记或删除任何内容，也没有任何改动。如果想多看或保留什么，请直接说：“多推荐咖啡”“置顶咖啡”。",
        "repeats": "您的问题只是在重复一两个词，我看不懂。",
        "was_cut": "您的问题太长：只读了前{n}个字符，读到的部分我看不懂。",
    },
}  # fmt: skip


def steer_say(speaker: Speaker, key: str, **values: object) -> str:
    """The phrase `key` in the speaker's language, filled in."""
    return STEER_WORDS[speaker.language][key].format(**values)
