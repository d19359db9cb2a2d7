"""Words that carry no topic: what is left of a question without them is what it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from agent.interests.words import Language

HAN: Final = re.compile(r"[\u3400-\u9fff]")
TOKEN: Final = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+(?:['’][^\W_]+)*")

# What people call goods, and what a catalogue calls them.
EVERYDAY: Final[Mapping[str, str]] = {
    "soda": "soft drinks", "sodas": "soft drinks", "pop": "soft drinks", "汽水": "软饮料",
    "gas": "gasoline", "petrol": "gasoline", "veg": "vegetables", "veggies": "vegetables",
    "spuds": "potatoes", "booze": "alcohol", "smokes": "cigarettes", "ciggies": "cigarettes",
    "cigs": "cigarettes",
    "nappies": "diapers", "crisps": "potato chips", "sweets": "candy",
}  # fmt: skip
_STOP_EN: Final = frozenset(
    """
    a about account after again against ago all already also always am an and another any anymore anyone
    anything are around as ask at away back bad be because been before being best better between big
    bigger bit block boost bought but buy buying by came can cancel change changed cheaper come compare
    could count cut date day days decrease delete did differ different do does doing don't done down
    drop during each else ever every everything exclude expect expected explain faded far few fewer
    filter find first fit five for forget four from front fun get gift give gives go going good got grow
    had happened has have he hello help her here hide him his history hold how i i'd i'll i'm i've idea
    ideas if ignore imagine important in include increase instead interest interested interests into is
    isn't it it's item items its just keep kind last lately latest leave left less let like liked list
    listed little log long longer look looked lot love make many march matter may maybe me mind mine
    month months more most mostly much mute my myself need never new newer next no none not nothing now
    of off often old older on once one ones only or order ordered other our out over own part people
    person pin place please present previous price profile promise prove purchase purchased purchases
    put rank rate rated rather reads real really recently recommend recommendation recommendations
    recommended reduce remove replace restore right same save say search searched second see seen set
    share short shorter should show shown side sister six so some someone something soon sort spend
    stuff such suggest suggested suggestion suits sure take taken tell ten than thank thanks that that's
    the their them then there these they thing things think third this those three time times to today
    tone too took top try two under undo until up upon us use used very view viewed views want wanted
    was wasn't watch watched we week weeks well were weren't what what's when where which while who
    whole why will with within without won't word would year years yes yet you you'd you're your
    whatever everybody nobody anybody somebody brand stop lately gear number happens friend kid
    conversation chat talk erase remember
    hadn't didn't doesn't couldn't wouldn't shouldn't haven't hasn't aren't can't mustn't needn't ain't cannot
    he's she's there's who's how's where's when's why's here's let's we're they're they've we've you've
    i'd've
    whats didnt dont doesnt isnt wasnt hadnt havent hasnt couldnt wouldnt arent cant wont im ive
    recommending suggesting showing keeps birthday comparison altogether oh hm hmm haha um uh
    hi quick question
    still gone goes went fill filled
    nah tho oops whoops even roughly shopping
    pay paid visit visits trip trips spent spending money anyhow anyway
    actually basically
    """.split()
)
# Words first: within them no character may be taken for a word of its own.
_STOP_ZH: Final = tuple(
    sorted(
        (
            "没有 不要 不再 再也 给我 这个 那个 这些 那些 这样 那样 哪些 哪个 什么 怎么 怎样 为什么 为何 "
            "如何 多少 几次 一些 一点 一下 一个 一直 推荐 显示 看看 看到 看过 买过 买了 买的 购买 浏览 评分 "
            "评过分 搜索 查一下 列出 记录 历史 东西 兴趣 画像 喜欢 关注 想看 想要 可以 以后 以前 之前 之后 "
            "现在 最近 上次 时候 曾经 类的 来点 来些 多来 多给我看 多推荐 少推荐 少来 减少 增加 比重 屏蔽 "
            "隐藏 置顶 固定 保留 始终 永远 重要 去掉 忘记 忘掉 记得 删除 礼物 送人 朋友 姐姐 自己 别人 不是 "
            "那本 这本 只看 更多 不想 不用 如果 假如 假设 要是 不算 考虑 不考虑 从来 关于 所有 全部 一切 "
            "请问 帮我 我想 比较 对比 区别 适合 列表 我的 你的 那么 这么 一样 其他 别的 用户 做的事 做了 "
            "以下 以内 便宜 我们 对话 聊天 那几样 算进去 的太多 太多 接下来 换一批 对我 非常 用品 之类 相关 "
            "方面 产品 喜好 上一次 最后 第一次 请 事情 这次 那次 几个 三个 五个 两个 第一 第二 第三 买给 "
            "一共 总共 几号 开始 多久 平均 真的 真买 那么多次 多大的 平时 一般 通常 经常 花了 多少钱 "
            "证明 验证 检验 核实 检查 理由 原因 依据 凭什么 是不是 有没有 会不会 "
            "送给 送 给 把 从 被 让 "
        ).split(),
        key=lambda word: (-len(word), word),
    )
)
_EDGES_ZH: Final = (
    "我你他她它的了吗呢吧啊呀和与跟在是有没不别再也都就还很太最为对到这那哪些点几个次"
    "类里中看买读查搜找过要会能多少来得想算帮给一条样吃喝"
)
# Days and months, where a character is no part of a word; and words that begin or end with a character that
# would go by itself.
_DATE_ZH: Final = re.compile(r"(?:\d+|[一二三四五六七八九十]{1,3})\s*(?:年|月份?|日|号)(?![饼季])")
_WHOLE_ZH: Final = tuple(
    "月饼 年糕 面条 薯条 油条 辣条 点心 甜点 糕点 读物 里脊 多肉 对虾 太阳镜 会员 日用品 能量棒 能量饮料 "
    "少儿 多芬 和牛 小吃 中药 中餐 中性笔 条纹 样品 点读笔 一次性 帮宝适 过滤器".split()
)
_FRAME_ZH: Final = re.compile(r"[的了吗呢吧我你为什么不请推荐看买]")
_QUOTED: Final = re.compile(r"《[^》]*》|“[^”]*”|\"[^\"]*\"|「[^」]*」")


def language_of(text: str, default: Language) -> Language:
    """The language a question is asked in, whatever titles stand in it; `default` when it has no letters.

    >>> language_of("为什么推荐 Moka pot?", "en"), language_of("Why 小熊雨衣?", "zh")
    ('zh', 'en')
    >>> language_of("#2?", "zh")
    'zh'
    """
    outside = _QUOTED.sub(" ", text)
    if not any(character.isalpha() for character in outside):
        outside = text
    han = len(HAN.findall(outside))
    words = re.findall(r"[a-z']+", outside.casefold())
    if not han and not words:
        return default
    if han and words:
        # The frame of the sentence decides, not the names in it.
        return "en" if any(word in _STOP_EN for word in words) and not _FRAME_ZH.search(outside) else "zh"
    return "zh" if han else "en"


def content_words(text: str) -> list[str]:
    """What the words of `text` are about, casefolded, in order: function and command words left out.

    >>> content_words("When did I last buy dark coffee?"), content_words("我上次买咖啡是什么时候？")
    (['dark', 'coffee'], ['咖啡'])
    """
    found: list[str] = []
    for token in TOKEN.findall(_DATE_ZH.sub(" ", text.casefold().replace("’", "'"))):
        if HAN.search(token):
            for word in _STOP_ZH:
                token = token.replace(word, " ")
            # Single characters are parts of many words: they only go where a word begins or ends.
            found += [part for part in map(_bare, token.split()) if part]
        elif token not in _STOP_EN and not token.isdigit() and len(token) > 1:
            found.append(token)
    return list(dict.fromkeys(found))


def _bare(piece: str) -> str:
    """A piece of Chinese without the single characters at its ends; whole words keep theirs."""
    kept = [spot for word in _WHOLE_ZH if (spot := piece.find(word)) >= 0]
    if not kept:
        return piece.strip(_EDGES_ZH)
    start = min(kept)
    end = max(piece.find(word) + len(word) for word in _WHOLE_ZH if word in piece)
    return piece[:start].lstrip(_EDGES_ZH) + piece[start:end] + piece[end:].rstrip(_EDGES_ZH)


def stem(word: str) -> str:
    """`word` without an English plural ending; Chinese as it stands.

    >>> stem("knives"), stem("berries"), stem("boots"), stem("glass"), stem("咖啡")
    ('knif', 'berr', 'boot', 'glass', '咖啡')
    """
    for ending, cut, keep in (("ies", 3, ""), ("ves", 3, "f"), ("sses", 2, ""), ("s", 1, "")):
        if word.endswith(ending) and len(word) > cut + 2 and not word.endswith("ss"):
            return word[:-cut] + keep
    for ending, replacement in (("y", ""), ("fe", "f")):
        if word.endswith(ending) and len(word) > 3:
            return word[: -len(ending)] + replacement
    return word
