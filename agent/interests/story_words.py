"""The closed vocabulary of stories: words that carry a direction, and words that carry no claim."""

from __future__ import annotations

from typing import Literal

Direction = Literal["up", "start", "down", "end", "back", "same"]


def _table(groups: dict[Direction, str], separator: str | None = "|") -> tuple[tuple[str, Direction], ...]:
    pairs = [(phrase, direction) for direction, text in groups.items() for phrase in text.split(separator)]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0])))


DIRECTION_EN = _table(
    {
        "up": "rising|rose|risen|rises|rise|grew|grown|growing|grows|grow|growth|more|increase|increased|"
        "increases|increasing|gained|gains|gaining|up|higher|stronger|bigger|larger|expanded|climbed|"
        "climbing|picked up|picking up",
        "start": "new|newly|started|starts|begun|began|begins|appeared|appears|emerged|emerging|first time|"
        "joined|was added|discovered",
        "down": "fading|faded|fades|fade|fell|fallen|falls|falling|less|fewer|decrease|decreased|decreases|"
        "decreasing|declined|declines|declining|decline|down|lower|smaller|weaker|shrank|shrunk|"
        "shrinking|reduced|waned|waning|slipped",
        "end": "stopped|stops|dropped|disappeared|disappears|vanished|gone|no longer|ended|left|given up|"
        "gave up|dropped out|is absent|are absent",
        "back": "returned|returns|return|returning|came back|come back|is back|are back|back|again|resumed",
        "same": "steady|stable|unchanged|same|stayed|stays|remained|remains|constant|as before",
    }
)

ALLOWED_EN = frozenset(
    """
    a about above activity after all almost also an and another any are around as at away be became become
    been before being between both but buy buying buys by came change changed changes choose chose clear
    clearly compared compares completely drop during earlier early entirely even ever every far favour first
    focus for from fully further gradually had half has have her here his households household however i in
    increasingly instead interest interested interests into is it its just largely last late later latest
    lately list little longer made main mainly makes making mostly move moved moves moving much near nearly
    no none not nothing now of off often older on once one ones only onto or other others out over
    overall own part past pause percent period person place preference preferences previous previously
    purchase purchased purchases purchasing quite rather recent recently remain same second seen share shares
    shift shifted shifting shopping show showed showing shown shows significantly since slightly small so some
    season still such take taken takes taking taste tastes than that the their them then there these they this
    those three through time times to today took total toward towards turned turning two under until user
    very viewed viewing was watched watching we well went were what when where which while who whole with
    within without years you your zero
    """.split()
) | frozenset(word for phrase, _ in DIRECTION_EN for word in phrase.split())

DIRECTION_ZH = _table(
    {
        "up": "上升|增加|增长|增多|提高|提升|变多|更多|升至|升到|增至|增到|变强|越来越多",
        "start": "新出现|新兴|新的|新增|新|开始|首次|出现",
        "down": "下降|减少|降低|变少|更少|减弱|消退|降至|降到|减至|衰退|越来越少",
        "end": "停止|消失|不再|放弃|没有了|中止|结束",
        "back": "回来|回归|重新|再次|又回到|恢复|重返",
        "same": "稳定|不变|保持|维持|持平|一样",
    }
)

_NEUTRAL_ZH = (
    "兴趣 关注 活动 比例 占比 份额 占 以前 之前 现在 目前 如今 后来 之后 期间 时期 "
    "中断 用户 这位 该 他 她 他们 您 你 的 了 在 从 到 是 为 和 与 及 "
    "以及 也 都 而 但 但是 同时 并 并且 则 有 没有 无 中 上 下 后 前 又 再 "
    "还 仍 对 于 这 那 其 已 已经 变 变化 明显 显著 逐渐 逐步 主要 方面 类 内容 "
    "最近 近期 早期 较 更 很 比 至 约 大约 左右 成为 变成 由 转向 转移 购买 观看 "
    "阅读 学习 季节 喜欢 偏好 完全 基本 过去 期 一个 一项 项 次 时 段 时间 "
)
ALLOWED_ZH = tuple(
    sorted(
        {*_NEUTRAL_ZH.split(), *(phrase for phrase, _ in DIRECTION_ZH)}, key=lambda word: (-len(word), word)
    )
)
