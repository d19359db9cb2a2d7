"""What people say when they want something: patterns by tool and language, each with a weight.

3 decides alone, 2 is strong, 1 is a hint. A question goes to the tool of the heaviest pattern; hints of the
same tool add up. What no pattern reaches is unclear, and the language model is asked.
"""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

ToolName = Literal[
    "recommend",
    "explain",
    "why_not",
    "counterfactual",
    "compare",
    "profile",
    "migration",
    "as_of",
    "what_if",
    "search",
    "pin",
    "mute",
    "less",
    "more",
    "gift",
    "undo",
    "about_me",
    "forget",
    "constraints",
    "help",
    "refuse",
]

_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WHEN: Final = (
    rf"(?:{_MONTH}|spring|summer|autumn|fall|winter|christmas|easter|\d{{4}}(?:-\d\d?)*|"
    r"(?:last|past|previous) (?:year|month|week|\w+day)|yesterday|(?:a|one|two|three|\d+) (?:years?|months?|weeks?) ago)"
)
_WHEN_ZH: Final = (
    r"(?:[一二三四五六七八九十]{1,3}月|\d{1,2}月|春天|夏天|秋天|冬天|春季|夏季|秋季|冬季|去年|前年|上个?月|上周|"
    r"\d{4}年?|[一两二三四五六七八九十\d]+(?:年|个月|周|天)(?:之?前)|当时|那时)"
)
_ITEM: Final = r"(?:ITEM|this|that|it|these|those|#\s*\d+|(?:number|no\.?) \w+|the (?:\w+ )?(?:one|item|first|second|third))"
_EVIDENCE: Final = (
    r"(?:evidence|(?:those|these|the|that|cited|my) (?:cited )?(?:events?|purchases?|records?))"
)
_KIN: Final = (
    r"(?:neighbou?rs?|wife|husband|friends?|colleagues?|boss|partner|mother|father|sister|brother|mum|mom|dad|"
    r"son|daughter|aunt|uncle|grandmother|grandfather|kids?|child|children|girlfriend|boyfriend|someone(?: else)?|"
    r"somebody(?: else)?|niece|nephew|parents?)"
)
_KIN_ZH: Final = r"(?:朋友|姐姐|妹妹|哥哥|弟弟|妈妈|爸爸|母亲|父亲|老公|老婆|丈夫|妻子|同事|邻居|别人|他人|家人|孩子|儿子|女儿|亲戚|老师|同学)"

_EN: Final[Mapping[ToolName, Mapping[str, int]]] = {
    "refuse": {
        r"\b(?:other|another|different) (?:users?|customers?|people|persons?|households?|members?|shoppers?|accounts?)\b": 4,
        r"\b(?:all|every|any) (?:the )?(?:users?|customers?|households?|accounts?)\b": 4,
        r"\b(?:users?|households?|customers?|members?|accounts?) (?:id |no\.? |number |#)?[a-z]{0,3}[-_]?\d+\b": 5,
        rf"\b(?:my|the) {_KIN}(?:'s|s')? (?:interests?|purchases?|history|profiles?|data|lists?|taste|orders?|buy|bought|like)\b": 4,
        rf"\b(?:did|does|has|have) (?:my|the) {_KIN} (?:buy|bought|like|watch|read|order)": 4,
        r"\bwho else\b|\banyone else\b.{0,20}\b(?:buy|bought|like)|\bsomebody else's\b|\bsomeone else's\b": 4,
        r"\bignore (?:all |any |the |your |every )*(?:previous |prior |above |earlier |former )*(?:instructions?|rules)\b": 5,
        r"\bsystem prompt\b|\bapi key\b|\bpasswords?\b|\bdump the\b": 4,
    },
    "undo": {
        r"\bundo\b|\brevert\b|\btake (?:it|that|this) back\b|\broll(?:ed)? ?back\b": 5,
        r"\bcancel (?:the |that |my )?(?:last |latest )?(?:mute|pin|change|feedback|step|gift|boost|less|more)\b": 5,
        r"\b(?:put|set|bring|change) (?:it|everything|that|things|them) back\b|\bback (?:as|to (?:how|what)) (?:it|they) (?:was|were)\b": 4,
        r"\bun(?:mute|pin|block)\b": 4,
    },
    "constraints": {
        r"\b(?:which|what|show|list|any|my) (?:\w+ ){0,3}(?:constraints?|filters?|restrictions?|conditions)\b": 4,
        r"\b(?:drop|remove|clear|lift|forget|delete|withdraw|reset|cancel|without|no more) (?:\w+ ){0,3}(?:constraints?|filters?|restrictions?|limits?|conditions?)\b": 5,
        r"\banything goes\b|\bno (?:more )?(?:restrictions|filters|limits)\b|\b(?:price|brand|category|length) (?:no longer|does not|doesn't) matter": 5,
        r"\byou (?:can|may) (?:show|include|recommend) .{1,40}\bagain\b": 5,
    },
    "forget": {
        r"\b(?:forget|erase|delete|wipe|don'?t remember|do not remember)\b.{0,20}\b(?:chat|talk|conversation|session|said)\b": 5,
        r"\bforget (?:this|that|it|about|what|my|the|everything)\b": 4,
        r"\b(?:erase|wipe|delete)\b (?!the evidence)": 3,
    },
    "gift": {
        r"\bgifts?\b(?! ideas?)|\b(?:was|were|is) (?:a |just a )?presents?\b": 4,
        rf"\b(?:was|were|bought|got|is) (?:\S+ ){{0,8}}for (?:my |a |the |our )?{_KIN}\b": 4,
        r"\bnot for me\b|\b(?:not|weren'?t|wasn'?t|isn'?t) (?:really )?(?:mine|me|my own)\b": 4,
        rf"\b{_KIN} (?:used|was using|borrowed|ordered|shopped)\b": 4,
        r"\b(?:don'?t|do not|shouldn'?t) count (?:it|them|that|this|those|these)\b": 3,
    },
    "what_if": {
        r"\bwhat (?:would|will) .{0,40}\b(?:without|if)\b": 4,
        r"\b(?:what if|imagine|suppose|assume|pretend|hypothetically)\b": 4,
        rf"\b(?:without|ignor(?:e|ing)|leav(?:e|ing) out|exclud(?:e|ing)|skip(?:ping)?|disregard(?:ing)?|not counting) .{{0,40}}\b(?:{_WHEN}|purchases?|views?|ratings?|history)\b": 4,
        r"\bif (?:i|you) (?:had never|had not|hadn'?t|never|did not|didn'?t|left|ignored)\b": 4,
        r"\bhow would (?:my|the) list\b": 3,
    },
    "counterfactual": {
        rf"\b(?:without|delete|remove|drop|take away|leave out|ignore) {_EVIDENCE}": 5,
        rf"\bif {_EVIDENCE}(?: \S+){{0,3}} (?:were|was|are|is|had|have|did)\b": 6,
        r"\bwhat if the (?:cited|quoted|named)\b": 6,
        r"\bprove\b|\bproof\b|\b(?:test|verify|check) (?:your|the|that|this) (?:explanation|reasons?|evidence)\b": 5,
        r"\breal(?:ly)? (?:the )?(?:reason|depend|matter|because)|\breally depends?\b|\bevidence (?:really )?matters?\b": 5,
        r"\bhow far would (?:it|this|that|#?\d+) (?:fall|drop)\b": 5,
        r"\bstill (?:recommend|be recommended|be there|list|show|be on)\b": 5,
    },
    "compare": {
        r"\bcompare\b(?! (?:my|me)\b)|\bcomparison\b|\bversus\b|\bvs\.?\b": 4,
        r"\bdifference between\b|\bside by side\b|\bdiffer\b": 4,
        r"\bwhich (?:one |of (?:them|these|the two|those) )?(?:is|suits|fits|would|should|do you|of)\b": 4,
        r"\bbetter (?:for me )?than\b|\bor rather\b": 4,
        r"^\W*(?:#|number |no\.? )?\d+ or (?:#|number |no\.? )?\d+\W*$": 5,
    },
    "why_not": {
        r"\bwhy (?:not|isn'?t|aren'?t|didn'?t|don'?t|haven'?t|wasn'?t|weren'?t|won'?t|doesn'?t|never)\b": 5,
        r"\bwhy (?:is|are|was|were|did|do|have|has|does) .{1,60}\b(?:not|never|missing|absent|left out|excluded|gone)\b": 5,
        r"\bhow come .{0,60}\b(?:not|never|isn'?t|aren'?t|didn'?t|don'?t|missing)\b": 5,
        r"\b(?:where did|what happened to|where is|what became of)\b": 3,
        r"\bwhat would (?:it take|have to (?:change|happen))\b|\bwhat (?:rank|place|position) did\b": 5,
        r"\bi (?:expected|missed|miss)\b": 3,
    },
    "explain": {
        rf"\bwhy (?:\S+ ){{0,4}}{_ITEM}|^\W*why\W*$|^\W*why\W+\d+\W*$": 3,
        r"\bwhy (?:did|do|would|are|have) you (?:recommend|suggest|show|pick|choose|list|give|propose|think|recommending|suggesting|showing)\b": 4,
        r"\bwhy (?:is|are|was|were|am|would|should|do|did)\b": 2,
        r"\bhow come\b": 2,
        r"^\W*why (?!not\b|bother\b)[\w'’-]+(?: [\w'’-]+){0,2}\W*$": 3,
        r"\bexplain\b|\bexplanation\b": 3,
        r"\bwhat makes you (?:think|believe|say|recommend)\b": 4,
        r"\b(?:based|rests?|grounded|founded) on\b": 2,
        r"\bhow (?:sure|certain|confident)\b|\bconfidence\b": 4,
        r"\bled (?:you )?to\b|\bon what (?:grounds|basis)\b|\bwhat (?:is|are) (?:the|your) (?:reasons?|grounds)\b": 3,
        r"\bwhere does .{1,40}\bcome from\b": 3,
    },
    "as_of": {
        rf"\bas (?:of|i was|it was)\b.{{0,20}}{_WHEN}": 5,
        r"\bas i was\b|\bas of\b": 5,
        rf"\b(?:was|were|did|looked?|liked?|been|would you have)\b.{{0,60}}\b(?:in|on|before|last|during|back in|by|until|at) (?:the )?(?:early |late |mid-?)?{_WHEN}": 3,
        r"\b(?:who|what) (?:was|were) i\b(?! (?:buying|doing))|\bwas i into\b": 4,
        r"\b(?:\w+ )?(?:years?|months?|weeks?) ago\b": 3,
        r"\bgo back to\b|\btravel back\b|\bback then\b|\bat that time\b|\btime travel\b": 4,
        r"\bwould you have (?:recommended|suggested|shown)\b": 4,
    },
    "migration": {
        r"\b(?:what|how|have|has|did|which)\b.{0,40}\b(?:changed?|changing|shift(?:ed|ing)?|mov(?:ed|ing)|drift(?:ed|ing)?|evolv(?:ed|ing)|develop(?:ed|ing)?)\b": 4,
        r"\bam i (?:still |really )?(?:drifting|changing|different)\b|\bhow (?:am|was) i different\b|\bmigration\b|\bdrift\b": 4,
        r"\b(?:faded|fading|rising|rose|grew|growing|dropped|new) (?:with me|interests?|between|since)\b|\binterests? (?:have )?(?:faded|grown|grew|rose|dropped|come|gone)\b": 4,
        r"\bstop(?:ped)? (?:buying|watching|reading|viewing|liking|caring)\b|\b(?:more|less) important\b": 4,
        r"\bwhat(?:'s| is) new (?:with|about|in) (?:me|my)\b|\bnew (?:with|about) me\b": 4,
        r"\bcompare (?:my|me)\b": 4,
        rf"\b(?:since|between|from)\b.{{0,30}}{_WHEN}": 1,
    },
    "about_me": {
        r"\bknow (?:\w+ )?about me\b|\b(?:stored?|saved?|keep|kept|have|hold|collect(?:ed)?|record(?:ed)?|got) (?:\w+ ){0,2}(?:on|about|of) me\b": 5,
        r"\b(?:which|what|how much|how many|all|my) (?:\w+ ){0,3}(?:data|information|records)\b": 4,
        r"\bhow (?:much|many) (?:of )?(?:my )?(?:history|events|records)\b": 4,
        r"\b(?:what|which|list|show|my) (?:\w+ ){0,2}feedback\b": 4,
    },
    "search": {
        r"\bwhen did i\b|\bdid i (?:ever|already)\b|\bhave i (?:ever |already )?(?:bought|seen|rated|viewed|watched|read|liked|looked|searched|got|had|tried|ordered)\b": 4,
        r"\bhow (?:often|many times) (?:did|have|do) i\b|\bhow many .{1,30} (?:did|have) i (?:buy|bought|view|see|rate|watch|read|order)": 4,
        r"\b(?:find|search|look up|look for|list|show|see|give me|browse) (?:me |through |in )?(?:\w+ )?(?:my |the )?(?:\w+ ){0,4}(?:purchases?|history|events?|views?|ratings?|searches|orders|log)\b": 4,
        r"^\W*my (?:\w+ )?(?:purchases|orders|views|ratings|searches)\b": 3,
        r"\bwhat (?:did i|have i) (?:buy|bought|do|done|view|see|rate|rated|search|look|order|watch|read|like|get)\b": 4,
        r"\b(?:list|show) (?:me )?(?:what|everything) i (?:bought|did|viewed|rated|saw|watched|read|ordered)\b": 4,
        r"\bmy (?:last|latest|first|recent) (?:\w+ ){0,2}(?:purchases?|events?|orders?|views?|ratings?)\b": 4,
        r"\bmy (?:\w+ )?(?:last|latest|first|recent) (?:purchases|events|orders|views|ratings)\b": 4,
        r"\b(?:last|latest|first) (?:\w+ ){1,2}(?:that )?i (?:bought|viewed|rated|ordered|saw|watched|read|liked|looked)\b": 4,
        r"\bwhen (?:was|were) (?:my|the) (?:last|first)\b": 4,
    },
    "profile": {
        r"\b(?:what|which|show|list|tell|describe|my|see|explain|summari[sz]e)\b.{0,30}\b(?:profile|interests?|tastes?|preferences?)\b": 3,
        r"\bwhat (?:kinds? of |sorts? of )?(?:things |stuff )?(?:do|am) i (?:mostly |mainly |really )?(?:like|into|interested|love|enjoy|spend|care|buy)\b": 3,
        r"\bam i (?:into|interested)\b|\bdo i (?:mostly|mainly) \w+": 3,
        r"\bwho am i\b|\bwhat am i like\b": 3,
    },
    "pin": {
        r"(?:^|[,.;!?] |\b(?:please|you|to|and) )\W*pin\b|\balways (?:keep|show|have|include)\b|\bnever (?:drop|remove|lose)\b|\bkeep .{1,50}(?:in|at|on|as) (?:the )?(?:top|my|front|profile)\b": 4,
        r"\bimportant to me\b|\bwhatever happens\b": 2,
    },
    "mute": {
        r"\bmute\b|\bblock\b|\bhide\b|\bban\b|\bsilence\b": 5,
        r"\b(?:never|don'?t ever|stop) (?:show|recommend|suggest|giv|showing|recommending|suggesting)\w* .{0,40}": 4,
        r"\b(?:don'?t|do not|won'?t|no longer) (?:want|wish|like|need) (?:to see )?.{0,50}\b(?:any ?more|again|any)\b": 4,
        r"\b(?:don'?t|do not) (?:show|recommend|suggest) .{0,50}(?:any ?more|again|ever)\b": 5,
        r"\bno more .{1,40}|\bsick of\b|\bget rid of\b": 4,
        r"\bnot interested in\b": 4,
        r"(?:^|[,.;!?] |\bbut )\W*i (?:really |just )?(?:don'?t|do not|no longer|never) (?:like|enjoy|drink|eat|want|care for) (?!to\b)\S+": 4,
        r"(?:^|[,.;!?] |\bbut )\W*i (?:really )?(?:hate|dislike|can'?t stand|detest) \S+": 4,
    },
    "less": {
        r"\bless (?!than\b|expensive\b|important\b)\S+|\bfewer\b|\bnot so (?:many|much)\b|\btone down\b|\bcut (?:down|back)\b|\breduce\b|\btoo (?:many|much)\b|\bdecrease\b": 4,
    },
    "more": {
        r"\bmore (?:like|of|from)\b|\b(?:show|see|give|want|like|have|recommend)(?: me)?(?: to see)? (?:\w+ )?more\b|\bincrease\b|\bbigger (?:place|share|role)\b|\bboost\b|\bplay a bigger\b": 4,
        r"^\W*more \S+": 3,
    },
    "recommend": {
        r"\brecommend\w*\b|\bsuggest\w*\b": 2,
        r"\bideas?\b|\binspir\w+|\bsurprise me\b|\banything else\b|\bsomething\b|\bwhat else\b|\bwhat next\b": 2,
        r"\bwhat (?:should|could|can|might|shall) i (?:buy|get|read|watch|try|take|do|cook|eat|pick|have|listen)\b": 3,
        r"\bwhat (?:would|will|might|could) (?:fit|suit|i like)\b|\bgot (?:anything|something)\b": 3,
        r"\b(?:cheaper|shorter|longer|newer|older|lighter|smaller|bigger|pricier)\b": 2,
        r"\bonly (?:things|items|stuff|from|in|show|those|books|films|movies|products)\b|\bunder \$?\d+|\bbelow \$?\d+|\bat most \$?\d+": 3,
        r"^\W*(?:only|nothing but|just the) (?!that\b|this\b|it\b)[\w'’-]+": 3,
        r"\b(?:show|give|recommend|suggest|list|want) (?:me )?(?:only|nothing but) \S+|\bonly (?:show|give|recommend|suggest|list|want)\b": 3,
        r"\bnot from\b|\bnothing (?:with|from|by)\b|\bother than\b|\binstead\b|\bdifferent brand\b": 2,
        r"\bfor (?:a|my|the|our) (?:\w+ )?(?:child|kids?|children|toddler|baby|son|daughter|boy|girl)\b": 2,
        r"\bnew list\b|\bnext list\b|\bmy (?:list|recommendations?)\b|\bshow me (?:some|a few|\w+ (?:things|items|books|films|movies))\b": 2,
        r"\bi (?:need|want|am looking for|'m looking for)\b": 2,
    },
    "help": {
        r"^\W*(?:help|\?+|hi|hello|hey|thanks?(?: you)?|thank you|good (?:morning|evening|day)|ok(?:ay)?|bye|great|cool|nice)\b.{0,12}$": 5,
        r"\bwhat (?:can|do) you (?:do|offer)\b|\bwhat (?:can|could|may|should) i ask\b|\bhow (?:does|do) (?:this|it|you) work\b|\bwhat are you\b|\bwho are you\b": 5,
    },
}

_ZH: Final[Mapping[ToolName, Mapping[str, int]]] = {
    "refuse": {
        r"(?:其他|别的|其它|另一个|另外|所有|全部)(?:的)?(?:用户|客户|顾客|会员|家庭|人的)": 4,
        r"(?:用户|客户|顾客|会员|家庭|账号)\s*(?:编号|号)?\s*[a-zA-Z]{0,3}\d+": 5,
        rf"(?:我的?)?{_KIN_ZH}的?(?:兴趣|购买|记录|画像|数据|列表|喜欢什么|买了什么|历史)": 4,
        r"还有谁|谁还|谁也": 4,
        r"忽略.{0,8}(?:指令|指示|规则|要求)|系统提示|密码|密钥|数据库": 5,
    },
    "undo": {
        r"撤销|撤回|还原|恢复(?:原|到|之前|以前)|回退|取消(?:刚才|上一|上次|之前|屏蔽|置顶)|退回上一": 5,
    },
    "constraints": {
        r"(?:哪些|什么|显示|查看|列出|当前|现在).{0,6}(?:限制|条件|筛选|过滤)": 4,
        r"(?:取消|去掉|去除|清除|移除|删除|解除|不用|不要|放开|忘掉).{0,8}(?:限制|条件|筛选|过滤|价格限|限价)": 5,
        r"(?:限制|条件|筛选|过滤).{0,4}(?:都|全部|全)?(?:取消|去掉|清除|不要|算了)|什么都可以|随便什么都行": 5,
        r"(?:可以|能).{0,4}(?:重新|再).{0,4}(?:显示|推荐).{0,6}(?:牌子|品牌|类别)": 5,
    },
    "forget": {
        r"忘(?:掉|记|了)|别记(?:得|住)|不要记(?:得|住)": 5,
        r"(?:删除|清空|抹掉|抹去|擦除).{0,8}(?:聊天|对话|谈话|会话|记录)": 5,
    },
    "gift": {
        r"礼物|送(?:人|给|朋友|礼|我)|赠(?:送|品)": 4,
        rf"(?:给|帮|替|为){_KIN_ZH}?(?:我)?.{{0,6}}买的|(?:给|帮|替|为)(?:我的?|我)?{_KIN_ZH}": 4,
        r"不是(?:我|给我|买给)(?:自己|买|用|的)?|别算|不要算(?!我)|不是我": 3,
        r"(?:用了|借用|拿).{0,4}我的(?:账号|帐号|账户)": 4,
    },
    "what_if": {
        r"如果.{0,12}(?:没|不|去掉|除去)|假如|假设|要是|倘若|设想": 4,
        rf"(?:不算|不考虑|不计|除去|去掉|排除|忽略|撇开|抛开).{{0,10}}(?:{_WHEN_ZH}|购买|浏览|记录|活动|买的)": 4,
    },
    "counterfactual": {
        r"(?:没有|去掉|删除|除去|拿掉|不看).{0,6}(?:这些|那些|引用的?|你(?:引用|说|举|提到)的?)(?:证据|记录|事件|购买|依据)?": 6,
        r"(?:没有|去掉|删除).{0,4}(?:证据|依据)": 6,
        r"证明|验证|检验|核实|真的(?:有|是|会|影响|重要|因为)|真正的?(?:原因|理由)": 5,
        r"还会(?:不会)?(?:推荐|出现|在)|(?:掉|降|跌)到第?(?:几|多少)": 5,
    },
    "compare": {
        r"比较|对比|(?:有什么|有何)?(?:区别|差别|不同)(?!的我)|哪(?:个|一个|本|款|部)(?:更|比较|最)?(?:适合|好|值得|合适)|选哪": 4,
    },
    "why_not": {
        r"(?:为什么|为何|怎么|干嘛|为啥).{0,6}(?:没|不|漏|缺)": 5,
        r"(?:怎样|怎么样|怎么做|如何|要怎么|什么条件下).{0,6}(?:才会|才能)": 5,
        r"排(?:在|到|名)?第?(?:几|多少)|(?:怎么|为什么|为何).{0,20}不在|去哪(?:儿|里)?了|漏掉|漏了": 5,
    },
    "explain": {
        r"为什么|为何|为啥|怎么来的|凭什么|解释|理由|依据|根据什么|原因|基于什么": 3,
        r"把握|置信|多(?:大|少)(?:的)?(?:可能|信心)|确定吗|有多确定": 4,
        r"导致|怎么会(?:推荐|出现)": 3,
    },
    "as_of": {
        rf"(?:看看|显示|回到|倒回|退回).{{0,4}}{_WHEN_ZH}": 4,
        rf"{_WHEN_ZH}(?:之前|以前|的时候|时|那时候?)?.{{0,4}}(?:我|会推荐|推荐什么|的我)": 3,
        rf"(?:我)?(?:在)?{_WHEN_ZH}.{{0,8}}(?:兴趣|画像|喜欢|口味|推荐)": 3,
        r"那时(?:候)?(?:我)?|当时(?:的)?我|会给我推荐什么": 2,
        rf"我(?:在)?{_WHEN_ZH}.{{0,4}}是(?:一?个)?(?:什么样|怎么样|怎样|啥样|谁)": 5,
    },
    "migration": {
        r"变化|改变|(?:我|口味|兴趣|喜好).{0,6}变(?:了|得|成)?|漂移|转移|迁移|演变": 4,
        r"(?:减弱|增强|消退|上升|下降|新出现|出现了|多了|少了).{0,6}(?:兴趣)?|新的?兴趣": 3,
        r"(?:哪些|什么).{0,3}兴趣.{0,4}(?:减弱|增强|消|上升|下降|出现|增|减)": 5,
        r"不再(?:买|看|喜欢|关注)|(?:上半年|下半年|前后|以前和现在).{0,8}(?:不同|区别|差别|比)": 5,
        r"不同的我|的我有(?:什么|何)不同|跟?以前.{0,6}比": 4,
    },
    "about_me": {
        r"(?:知道|了解|掌握|清楚).{0,4}(?:我|关于我).{0,6}(?:什么|哪些|多少|信息|情况)": 5,
        r"(?:保存|存|记录|收集|有).{0,6}(?:我|关于我).{0,6}(?:数据|信息|记录|资料|一切|什么)": 4,
        r"(?:哪些|什么|多少).{0,6}(?:反馈)|给过.{0,4}反馈|多少.{0,4}我的记录": 4,
    },
    "search": {
        r"(?:上次|最近一次|第一次|什么时候|何时|哪天).{0,8}(?:买|看|搜|浏览|评|读|点)": 4,
        r"我?(?:有没有|是否|曾经?|以前)?(?:买|看|浏览|评|读|搜索?|收藏|点赞)过": 4,
        r"(?:查|搜索|搜|找|列出|翻|显示).{0,10}(?:记录|历史|买的|看的|买过|看过)": 4,
        r"(?:做了|买了|看了|搜了|浏览了)(?:什么|哪些|几|多少)|几次|多少次": 4,
        r"评(?:过分|了分|过)": 3,
        r"(?:最近|最后|最新|最早|前|头)的?(?:[一二两三四五六七八九十]{1,3}|\d+)(?:次|个|件|样|条|笔|项|部|本).{0,6}(?:购买|浏览|评分|记录|买|看|评|订单)": 5,
        r"(?:最近|最后|最早)(?:购买|浏览|买|看|评)(?:的|了|过)": 4,
    },
    "profile": {
        r"(?:我|我的|我现在|我最近|我主要).{0,8}(?:兴趣|画像|口味|偏好|喜好)": 3,
        r"我(?:最近|现在|平时|主要|都)*(?:喜欢|关注|爱|在意)(?:什么|哪些|的是)?": 3,
        r"画像|描述(?:一下)?我": 3,
    },
    "pin": {
        r"置顶|固定|(?:一直|始终|永远|务必)(?:保留|留|显示|放|要有)|对我很?(?:非常)?重要|(?:不要|别)(?:去掉|丢掉|删掉)": 4,
    },
    "mute": {
        r"屏蔽|隐藏|拉黑|静音": 5,
        r"(?:不要|别|不想|不用|不许|永远不要?|请不要).{0,3}(?:再|给我)?.{0,3}(?:给我)?(?:推荐|显示|看|出现)(?!这个牌子)": 4,
        r"再也不(?:想|要|看)|不感兴趣|(?:讨厌|烦)": 4,
        r"^\W*我(?:真的|其实|很|已经)?不(?:再)?(?:喜欢|爱|想要|喝|吃)(?!什么|哪)\S": 4,
    },
    "less": {
        r"少(?:推荐|给|来|看|显示|一些|一点|点)|减少|不要(?:那么|这么|太)多|太多|降低.{0,6}比重": 4,
    },
    "more": {
        r"多(?:推荐|给|来|看|显示|一些|一点)|增加|(?:更|再)多|提高.{0,6}比重|加大": 4,
    },
    "recommend": {
        r"推荐(?!的|这|那|了|会|吗|列表)|建议|有什么.{0,8}(?:适合|好|新)|可以(?:买|看|读|试)(?:些|点)?什么": 2,
        r"(?:换|来|给我|看)(?:点|些|几|别的|一些|一批)|换一批|还有(?:别的|其他)": 2,
        r"便宜|短一?(?:些|点)|长一?(?:些|点)|\d+\s*(?:元|块)|(?:十|百|千)元|以下的?|以内": 2,
        r"适合(?:孩子|儿童|小孩|宝宝|小朋友)|不要(?:这个|那个|这|那)(?:牌子|品牌)|只(?:想)?(?:看|要|买)": 3,
        r"接下来|下一步": 2,
        r"(?:只要|只看|来点|来些|推荐).{0,4}(?:没|未)有?(?:买|看|读|用|有)过": 6,
    },
    "help": {
        r"^\W*(?:帮助|你好|您好|谢谢|多谢|再见|嗨|早上好|晚上好|好的|嗯)\W*$": 5,
        r"你能(?:做|干)(?:什么|啥|些)|(?:可以|能)问(?:你)?(?:什么|哪些|啥)|怎么用|怎么使用|你是谁|如何使用": 5,
    },
}


def _compiled(
    table: Mapping[ToolName, Mapping[str, int]],
) -> dict[ToolName, tuple[tuple[re.Pattern[str], int], ...]]:
    return {
        tool: tuple((re.compile(pattern, re.IGNORECASE), weight) for pattern, weight in rules.items())
        for tool, rules in table.items()
    }


# In order of precedence: of equally heavy tools the earlier one is taken.
RULES: Final[Mapping[str, Mapping[ToolName, tuple[tuple[re.Pattern[str], int], ...]]]] = {
    "en": _compiled(_EN),
    "zh": _compiled(_ZH),
}
