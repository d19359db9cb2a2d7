"""How a sentence stands to the change it names: a command, its denial, a supposition, a report, a correction."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from typing import Final

from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.rules_en import KIN
from agent.dialogue.sentences.rules_zh import KIN_ZH

_CONTRACTED: Final = re.compile(
    r"\b(?:(?P<s>what|how|that|who|where|here|there|let)s|(?P<nt>do|does|did|is|are|was|were|have|has|would|should|could)nt|(?P<i>i)(?P<m>m|ve)|(?P<you>you|they)(?P<re>re|ve))\b(?!['’])",
    re.IGNORECASE,
)
_HIDING: Final = (
    r"(?:mut(?:e|ing)|hid(?:e|ing)|block(?:ing)?|bann?(?:ing)?|silenc(?:e|ing)|reduc(?:e|ing)|pinn?(?:ing)?|boost(?:ing)?|"
    r"(?:stop|quit)(?:ping)? (?:show|recommend|suggest|giv|offer|list)\w*|cut(?:ting)? (?:down|back)|(?:show|giv|recommend)\w* (?:me )?(?:less|fewer)|less|fewer)\b"
)
DENIAL: Final = (
    r"(?:(?:do not|don['’]?t)(?: (?:want|need) (?:you )?to)?|never(?! (?:again|mind|ever|said|asked|told|meant|wanted))|no (?:need|reason|point) (?:to|in)|(?:stop|quit|no longer)|(?:you |i )?(?:needn['’]?t|shouldn['’]?t|mustn['’]?t|(?:did(?:n['’]?t| not)|never) (?:want(?:ed)?|ask(?:ed)?|meant?|tell|told|say|said) (?:you )?to)|"
    r"you (?:maybe |please |perhaps )?not|(?:please|and|but|rather|better) not|no(?= (?:less|fewer) (?!than\b)))"
)
_KEEPS: Final = re.compile(
    rf"\b{DENIAL} (?:ever |again |just |go |please |yet |me |to |start |even |really )*{_HIDING}|\bun-? ?(?:mut|hid|block|pin|bann?|silenc)\w*"
    r"|(?:别|不要|不用|不必|无需|不需要|没必要|不想|停止|没让你|没叫你|不应该)(?:再|继续)?(?:把.{1,40}?)?(?:给我)?(?:屏蔽|隐藏|拉黑|静音|减少|少推荐|少给|少来|停止推荐|不推荐|置顶|固定)|(?:不用|不必|无需|不需要|没必要)(?:再)?(?:一直)?(?:放|留|排)在?(?:最)?(?:上面|前面|顶)"
    r"|(?:取消|解除)(?:对|掉)?.{0,40}?(?:屏蔽|隐藏|静音|拉黑|置顶|固定)",
    re.IGNORECASE,
)
_NOT_GIFT: Final = re.compile(
    r"\b(?:wasn['’]?t|isn['’]?t|weren['’]?t|was not|is not|were not|not) (?:really |actually )?(?:a |an )?(?:gifts?|presents?)\b(?! (?:idea|for))|(?:不是|并非)(?:什么)?(?:礼物|送人的|送的)",
    re.IGNORECASE,
)
_NOT_FORGET: Final = re.compile(
    r"(?:do not|don['’]?t|never|no need to|(?:please|but) not) (?:ever |just |you )?(?:forget|eras|delet|wip)\w*\b|(?:别|不要|不用|不必|不能)(?:忘|删|清空|抹)(?!掉?这个条件)",
    re.IGNORECASE,
)
# “No, more”: a correction of what was done last that names nothing.
_AFTER_ALL: Final = re.compile(
    r"^\W*(?:no|wait|actually|sorry|hm+|oh)(?: no| wait| actually| sorry)?\s*[,.;:!–—-]+\s*(?:more|less|fewer)(?: please)?\W*$"
    r"|^\W*(?:不对|不是|说错了|错了|不)[，,。\s]+(?:多|少)(?:推荐|给|来)?(?:一?点|一?些)?\W*$",
    re.IGNORECASE,
)
_PAST: Final = tuple(
    (re.compile(rf"\b{past}\b", re.IGNORECASE), present)
    for past, present in (
        ("muted", "mute"), ("hid(?:den)?", "hide"), ("blocked", "block"), ("banned", "ban"), ("stopped", "stop"),
        ("showed", "show"), ("gave", "give"), ("pinned", "pin"),
    )
)  # fmt: skip
_WHY: Final = re.compile(
    r"^\W*(?:(?:so|and|but|well|hey|please),? )*(?:why|how come|what|when|who|where|which|how)\b|为什么|为何|为啥|怎么会",
    re.IGNORECASE,
)
_SUPPOSES: Final = re.compile(
    r"\bif (?:i|we|you) (?!could|can|would|may|like\b|please|want\b|don['’]?t mind|do not mind|wish|have\b|had any|know|see\b)\w+"
    r"|\b(?:suppos(?:e|ing)|hypothetically|let['’]?s say|assuming|what happens|what would happen|were i to|what if)\b|\bcan i [^?]{1,30}\b(?:later|afterwards|any ?time|if i)\b"
    r"|(?:如果|假如|要是|倘若|假设|万一)(?!可以|方便|可能|能|行)|会怎么?样|的话会",
    re.IGNORECASE,
)
_COMMANDED: Final = re.compile(
    r"\b(?:if|when|once) (?:i|we|you) (?:(?:ever|just|now) )?(?:said|say|ask(?:ed)?|told?|mut\w+|hid\w*|block\w*|bann?\w*|stop\w*|pinn?\w*|show\w*|were|was)\b"
    r"|(?:如果|假如|要是|倘若|假设|万一).{0,6}(?:屏蔽|隐藏|少推荐|多推荐|不推荐|置顶)|(?:屏蔽|隐藏|少推荐|多推荐)了?.{1,10}会怎么?样",
    re.IGNORECASE,
)
_THIRD: Final = rf"(?:he|she|they|someone|somebody|people|every(?:one|body)|nobody|no ?one|(?:my|our|the|his|her) (?:\w+ )?(?:{KIN}|doctor|boss|family|flatmate|roommate))"
_REPORTS: Final = re.compile(
    r"\b(?:i|we) (?:used to|once|always|often|sometimes|usually|almost|nearly) (?:say|said|ask|asked|tell|told|mute|muted|hide|hid|block|blocked|think|thought)\b"
    r"|\b(?:i|we) (?:said|told|asked|thought|heard|read|wonder|wondered|might|may|wouldn['’]?t mind|would not mind|won['’]?t mind|was (?:thinking|going|wondering)|were (?:thinking|going))\b"
    rf"|\b{_THIRD} (?:(?:just|always|really|often|never|only|doesn['’]?t|don['’]?t|does not|do not) ){{0,2}}(?:says?|said|tells?|told|wants?|wanted|asks?|asked|likes?|needs?|prefers?|hates?|thinks?|would|should|wishes|insists?|eats?|drinks?)\b"
    rf"|(?:我的?)?(?:他|她|他们|她们|有人|大家|没人|医生|{KIN_ZH})(?:总|老|也|都|就|只)?(?:说|想|要(?!的)|让|叫|希望|喜欢|讨厌|不想|不要|不喜欢|觉得)"
    r"|我(?:以前|曾经|从前|常常?|老是?|本来|可能|也许|大概|不介意)(?:会|就|都|也)?(?:说|讲|让|叫|屏蔽|隐藏|想|少|多)|(?:我)?不介意",
    re.IGNORECASE,
)
_NOT_MINE: Final = re.compile(
    r"\b(?:isn['’]?t|aren['’]?t|is not|are not|not) (?:really |quite |exactly )?my (?:thing|cup of tea|taste|style)\b|不(?:太)?是我的(?:菜|风格|口味)",
    re.IGNORECASE,
)
# Where a speaker takes back what was just said.
_CORRECTS: Final = re.compile(
    r"\s*(?:[,.;:!?–—-]+|\.\.\.|…)\s*(?:(?:oh|ah|hm+|er+|sorry|and|but),? )*(?:no,? (?:wait|actually|sorry|i mean)|wait,? no|wait|actually,? no|(?:no,? )?actually|no,? rather|or rather|i meant?|scratch that|make that|correction|sorry|no(?=,))\b[\s,.:;!–—-]*"
    r"|\s*[，,。；、…—]+\s*(?:哦|啊|呃|等等)?[，,]?\s*(?:不对|不不|说错了|错了|我是说|我的意思是|还是(?!不))[，,。]?\s*",
    re.IGNORECASE,
)
_NOT_BUT: Final = re.compile(
    r"^\W*(?:(?:please|i said|i want|no),? )?not (?P<no>less|more|fewer)\b[\s,.;:–—-]*(?:but |rather )?(?P<yes>more|less|fewer)\b(?P<of>.*)$"
    r"|^\W*(?:是)?(?:不是|不要|别)(?P<zno>少|多)(?:推荐|给|来)?一?点?[，,。；\s]*(?:而?是|要)?(?P<zyes>多|少)(?P<zof>.*)$",
    re.IGNORECASE,
)


def spelled(text: str) -> str:
    """`text` with the apostrophes that people leave out.

    >>> spelled("Whats changed?"), spelled("i dont like it, theyre bad"), spelled("its")
    ("What's changed?", "i don't like it, they're bad", 'its')
    """

    def whole(match: re.Match[str]) -> str:
        word = match.group()
        cut = 2 if match["nt"] or match["m"] == "ve" or match["re"] else 1
        if match["nt"]:
            return f"{word[:-1]}'{word[-1]}"
        return f"{word[:-cut]}'{word[-cut:]}"

    return _CONTRACTED.sub(whole, text).replace("撤消", "撤销")


def keeps(text: str) -> bool:
    """Whether a sentence says that something is not to be hidden, lowered or pinned, or was no gift after all.

    >>> keeps("please don't hide milk"), keeps("un-mute snacks"), keeps("why don't you hide milk?")
    (True, True, False)
    >>> keeps("别屏蔽啤酒"), keeps("屏蔽啤酒"), keeps("oh wait it wasn't a gift")
    (True, False, True)
    """
    if _WHY.search(text) or _NOT_BUT.search(text):
        return False
    return bool(_KEEPS.search(text) or (_NOT_GIFT.search(text) and not text.rstrip().endswith(("?", "？"))))


def as_command(text: str) -> str:
    """`text` with what someone supposes to have done as it would be commanded.

    >>> as_command("what if you hid beer"), as_command("if you stopped showing milk")
    ('what if you hide beer', 'if you stop showing milk')
    """
    for pattern, present in _PAST:
        text = pattern.sub(present, text)
    return text


def keeps_memory(text: str) -> bool:
    """Whether a sentence says that nothing is to be forgotten.

    >>> keeps_memory("don't forget this talk"), keeps_memory("forget this talk"), keeps_memory("别忘了我说的")
    (True, False, True)
    """
    return bool(_NOT_FORGET.search(text)) and not _WHY.search(text)


def means_no_gift(text: str) -> bool:
    """Whether a sentence takes back that something was a gift."""
    return bool(_NOT_GIFT.search(text))


def supposes(text: str) -> bool:
    """Whether a sentence only supposes, or asks for consequences.

    >>> supposes("what happens if you hide milk?"), supposes("hide milk if you can"), supposes("hide milk")
    (True, False, False)
    """
    return bool(_SUPPOSES.search(text))


def supposes_command(text: str) -> bool:
    """Whether what is supposed is that a command is given or carried out.

    >>> supposes_command("if I said mute cheese?"), supposes_command("what if I had never bought beer?")
    (True, False)
    """
    return bool(_COMMANDED.search(text))


def reports(text: str) -> bool:
    """Whether a sentence tells what was said, may be, or somebody else wants.

    >>> reports("my wife wants less bread"), reports("I used to say mute candy"), reports("I want less bread")
    (True, True, False)
    >>> reports("我老婆想少吃面包"), reports("我想少吃面包")
    (True, False)
    """
    return bool(_REPORTS.search(text) or _NOT_MINE.search(text))


def corrected(text: str) -> str:
    """What a speaker means who corrects themselves: the last wording, with what it leaves out of the first.

    >>> corrected("more fruit, no wait, less"), corrected("show me bread, actually no, fruit")
    ('less fruit', 'show me fruit')
    >>> corrected("多来点水果，不对，少来点"), corrected("not less, more cheese"), corrected("less tea")
    ('少来点水果', 'more cheese', 'less tea')
    """
    if (match := _NOT_BUT.match(text)) and content_words(text):
        return f"{match['yes'] or match['zyes']}{match['of'] or match['zof'] or ''}".strip()
    parts = [
        part.strip(" ,.;!，。；") for part in _CORRECTS.split(text) if part and part.strip(" ,.;!，。；")
    ]
    if len(parts) < 2:
        return text
    first, last = parts[0], parts[-1]
    before, after = content_words(first), content_words(last)
    if not before:
        return last if after else text
    if not after and len(last.split()) > _SHORT:
        return last
    if not after:
        joint = "" if re.search(r"[\u3400-\u9fff]", last) else " "
        return f"{last}{joint}{' '.join(before)}"
    spot = first.casefold().find(before[0])
    if len(last.split()) <= len(after) + 1 and spot > 0 and not _LEADS.search(last):
        return f"{first[:spot]}{last}"
    return last


# An afterthought of more words stands by itself.
_SHORT: Final = 4
_LEADS: Final = re.compile(
    r"\b(?:less|more|fewer|mute|hide|block|pin|show|give|recommend|undo|stop|no|not|why)\b|[少多别不]|屏蔽|推荐|置顶",
    re.IGNORECASE,
)


def reverses(text: str) -> bool:
    """Whether a sentence turns round what was done last without naming it: “not less, more”."""
    return bool(_NOT_BUT.match(text) or _AFTER_ALL.match(text)) and not content_words(text)
