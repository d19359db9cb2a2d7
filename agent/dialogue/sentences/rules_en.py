"""What people say in English when they want something: patterns by tool, each with a weight; see `route_rules`."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.dialogue.sentences.tool_names import ToolName

_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
WHEN: Final = (
    rf"(?:{_MONTH}|spring|summer|autumn|fall|winter|christmas|easter|\d{{4}}(?:-\d\d?)*|"
    r"(?:last|past|previous) (?:year|month|week|\w+day)|yesterday|(?:a|one|two|three|\d+) (?:years?|months?|weeks?) ago)"
)
_ITEM: Final = r"(?:ITEM|this|that|it|these|those|#\s*\d+|(?:number|no\.?) \w+|the (?:\w+ )?(?:one|item|first|second|third))"
_EVIDENCE: Final = (
    r"(?:evidence|(?:those|these|the|that|cited|my) (?:cited )?(?:events?|purchases?|records?))"
)
KIN: Final = (
    r"(?:neighbou?rs?|wife|husband|friends?|colleagues?|boss|partner|mother|father|sister|brother|mum|mom|dad|"
    r"son|daughter|aunt|uncle|grandmother|grandfather|kids?|child|children|girlfriend|boyfriend|someone(?: else)?|"
    r"somebody(?: else)?|niece|nephew|parents?|cousins?|guests?|grand(?:ma|pa|parents?|kids?|children|son|daughter)|in-laws?|coworkers?|teachers?)"
)

# Something that is asked for, not told about.
_SOUGHT: Final = r"(?:recommend|suggest|ideas?|looking for|need|want to (?:buy|get|give)|find me|should i|could i|can i|shall i|what|which)"
_MORE_OF_LIST: Final = r"(?:(?:of )?(?:them|these|those|items?|things?|ideas?|suggestions?|recommendations?|options?|results?|products?|picks?))"
_NUMBER: Final = r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple|a couple of|some|several|any)"
_CONSUME: Final = (
    r"(?:buy|buying|bought|eat|eating|eaten|drink|drinking|drunk|watch|watching|read|reading|use|using|like|love|get|order|"
    r"ordering|consume|own|have|smoke|spend)"
)
_SPEND: Final = r"(?:spend|spent|spending|pay|paid)"
_CHANGED: Final = r"(?:mut|pin(?:n)?|block|hid(?:e|den)?|bann?|boost|rejec|und(?:o|id|one)\b|revert|remov|lower|set aside|tak(?:e|en) (?:\w+ ){0,2}back|forgot)\w*"

RULES_EN: Final[Mapping[ToolName, Mapping[str, int]]] = {
    "refuse": {
        rf"\b(?:purchases|data|orders|history|basket|profile|interests) of (?:my|the|a|some|another) (?:\w+ )?{KIN}": 5,
        r"\b(?:other|another|different) (?:users?|customers?|people|persons?|households?|members?|shoppers?|accounts?)\b": 4,
        r"\b(?:all|every|any) (?:the )?(?:users?|customers?|households?|accounts?)\b": 4,
        r"\b(?:users?|households?|customers?|members?|accounts?) (?:id |no\.? |number |#)?[a-z]{0,3}[-_]?\d+\b": 5,
        rf"\b(?:my|the) {KIN}(?:'s|s')? (?:interests?|purchases?|history|profiles?|data|lists?|taste|orders?|buy|bought|like)\b": 4,
        rf"\b(?:did|does|has|have) (?:my|the) {KIN} (?:buy|bought|like|watch|read|order)": 4,
        r"\bwho else\b|\banyone else\b.{0,20}\b(?:buy|bought|like)|\bsomebody else's\b|\bsomeone else's\b": 4,
        r"\bignore (?:all |any |the |your |every )*(?:previous |prior |above |earlier |former )*(?:instructions?|rules)\b": 5,
        r"\bsystem prompt\b|\bapi key\b|\bpasswords?\b|\bdump the\b": 4,
    },
    "undo": {
        r"\bannul\b|\b(?:bring|give) (?:me )?back what i\b|\b(?:bring|let) .{1,30}\b(?:back|in again)\b": 7,
        r"\bundo\b|\brevert\b|\btake (?:it|that|this|everything|them|all) (?:all )?back\b|\broll(?:ed)? ?back\b|\breset (?:it all|everything|all)\b": 5,
        r"\bcancel (?:the |that |my )?(?:last |latest )?(?:mute|pin|change|feedback|step|gift|boost|less|more)\b": 5,
        r"\b(?:put|set|bring|change) (?:it|everything|that|things|them) back\b|\bback (?:as|to (?:how|what)) (?:it|they) (?:was|were)\b": 4,
        r"\bun-?(?:mut|pin|block|hid|ban)\w*|\b(?:re-?)?allow .{1,40}|\bchanged my mind\b": 6,
        r"\b(?:wasn'?t|isn'?t|was not|is not|weren'?t) (?:really |actually )?(?:a )?(?:gifts?|presents?)\b": 7,
    },
    "constraints": {
        r"\b(?:forget|drop|remove|cancel|lift|never ?mind) (?:about )?(?:the|that|my) (?:\w+ ){0,3}(?:thing|rule|ban|condition)s?\b|\bforget what i (?:said|told you) about\b": 6,
        r"^\W*(?:(?:ok(?:ay)?|actually|no|and|so|now|well|oh|back to today|wait)[,.]? )*(?:and )?(?:the )?(?!it\b|that\b|this\b|all\b|everything\b|which\b|what\b)[\w'’-]+(?: [\w'’-]+){0,2} (?:is|are) (?:fine|ok|okay|all right|alright|allowed|welcome|good)(?: (?:again|now|after all|too|by me|with me))*(?:,? (?:i was |was )?(?:just|only) (?:kidding|joking))?\W*$": 5,
        r"^\W*(?:(?:ok|and|so|now|please|just) )*(?:drop|clear|remove|lift) (?:them all|all(?: of (?:them|it|that))?|everything|both)\W*$": 6,
        r"\b(?:which|what|any) (?:\w+ ){0,2}rules?\b|\bwhy is (?:the|my|this) list (?:so |this )?short\b": 6,
        r"\b(?:stop|quit|no longer|don'?t) (?:limit|restrict|narrow|filter)(?:ing)?\b": 6,
        r"\b(?:stop|no longer|don'?t|not) (?:show(?:ing)?|recommend(?:ing)?|giv(?:e|ing)|list(?:ing)?)?(?: me)? ?only\b|\bnot only .{1,30}\b(?:again|please|any ?more)\b": 6,
        r"\b(?:which|what|show|list|any|my) (?:\w+ ){0,3}(?:constraints?|filters?|restrictions?|conditions)\b": 4,
        r"\b(?:drop|remove|clear|lift|forget|delete|withdraw|reset|cancel|without|no more) (?:\w+ ){0,3}(?:constraints?|filters?|restrictions?|limits?|conditions?)\b": 5,
        r"\banything goes\b|\bno (?:more )?(?:restrictions|filters|limits)\b|\b(?:price|brand|category|length) (?:no longer|does not|doesn't) matter": 5,
        r"\byou (?:can|may) (?:show|include|recommend) .{1,40}\bagain\b": 5,
    },
    "forget": {
        r"\bi never (?:told|said|asked|mentioned)\b": 5,
        r"\b(?:forget|erase|delete|wipe|don'?t remember|do not remember)\b.{0,20}\b(?:chat|talk|conversation|session|said)\b": 5,
        r"\bforget (?:this|that|it|about|what|my|the|everything|all)\b": 4,
        r"\b(?:erase|wipe|delete)\b (?!the evidence)": 3,
    },
    "gift": {
        rf"^(?!.*\b{_SOUGHT}\b).*\bgifts?\b(?! ideas?)|^(?!.*\b{_SOUGHT}\b).*\b(?:was|were|is) (?:a |just a )?presents?\b": 4,
        rf"\b(?:was|were|bought|got|is) (?:\S+ ){{0,8}}for (?:my |a |the |our )?(?:\w+ )?{KIN}\b(?!.*\b(?:recommend|suggest|ideas?)\b)": 4,
        r"\bnot for me\b|\b(?:not|weren'?t|wasn'?t|isn'?t) (?:really )?(?:for )?(?:mine|me|my own|myself)\b": 5,
        rf"^(?!\W*(?:did|do|have|when did|what|why|how)\b)(?!.*\b{_SOUGHT}\b).*\b(?:i (?:\w+ )?(?:bought|got|ordered)|was|were|is|are)\b (?:\S+ ){{0,8}}for (?:my |a |an |the |our |his |her )?(?:\S+ ){{0,3}}(?:party|birthday|wedding|barbecue|bbq|halloween|christmas|(?:{KIN})(?:'s|s')?)\b": 5,
        rf"^(?!\W*(?:did|do|does|what|when|why|how|has)\b)(?!.*\?).*\bmy {KIN} (?:bought|got|ordered|took) \S+|\b(?:is|are|was|were) (?:all )?my {KIN}(?:'s|s'?)?(?=\W|$)(?!.*\?)": 6,
        rf"\b{KIN} (?:used|was using|borrowed|ordered|shopped)\b": 4,
        r"\b(?:don'?t|do not|shouldn'?t) count (?:it|them|that|this|those|these)\b": 3,
    },
    "what_if": {
        r"\bwhat (?:would|will) .{0,40}\b(?:without|if)\b": 4,
        r"\b(?:what if|imagine|suppose|assume|pretend|hypothetically)\b": 4,
        rf"\b(?:without|ignor(?:e|ing)|leav(?:e|ing) out|exclud(?:e|ing)|skip(?:ping)?|disregard(?:ing)?|not counting) .{{0,40}}\b(?:{WHEN}|purchases?|views?|ratings?|history)\b": 4,
        r"\bif (?:i|you) (?:had never|had not|hadn'?t|never|did not|didn'?t|left|ignored)\b": 4,
        r"\bhow would (?:my|the) list\b": 3,
    },
    "counterfactual": {
        r"\b(?:is|are) (?:this|that|the|these|those|your) (?:explanation|reason|claim|evidence|cause|ground)s? (?:really )?(?:true|right|real|valid|genuine|honest|sound)\b": 6,
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
        r"\bwhy (?:did|have|do) you (?:stop|stopped|quit|drop|dropped|leave out|left out|remove|removed|hide|hidden)\b": 6,
        r"\bhow come (?:there(?:'s| is| are)|i (?:see|get)) no\b|\bkeeps? .{1,30} (?:off|out of|from) (?:my|the) list\b|\bnever (?:show|suggest|recommend|list)\b.{1,30}\bwhy\b": 6,
        r"\bwhy (?:is there |are there |do i (?:see|get) |am i (?:seeing|getting) )?no\b": 6,
        r"\bwhy (?:not|isn'?t|aren'?t|didn'?t|don'?t|haven'?t|wasn'?t|weren'?t|won'?t|doesn'?t|never)\b": 5,
        r"\bwhy (?:is|are|was|were|did|do|have|has|does) .{1,60}\b(?:not|never|missing|absent|left out|excluded|gone)\b": 5,
        r"\bhow come .{0,60}\b(?:not|never|isn'?t|aren'?t|didn'?t|don'?t|missing)\b": 5,
        r"\b(?:where did|what happened to|where is|what became of)\b": 3,
        r"\bwhat would (?:it take|have to (?:change|happen))\b|\bwhat (?:rank|place|position) did\b": 5,
        r"\bi (?:expected|missed|miss)\b": 3,
    },
    "explain": {
        r"\bwhat(?:'s| is) the (?:point|sense|idea|logic|use) (?:of|behind|in)\b": 5,
        r"\bwhere (?:did|do) you (?:get|take|have) (?:this|that|it)\b": 5,
        r"\b(?:tell me (?:more )?about|what(?:'s| is| the \w+ is)) (?:ITEM|#\s*\d+|(?:number|no\.?) \w+|the (?:first|second|third|fourth|fifth|last)(?: one| item)?)\W*$": 5,
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
        rf"\b(?:my|the) (?:tastes?|profile|interests?|list)\b.{{0,20}}\b(?:of|in|at|from|back in) (?:the )?(?:early |late |beginning|start|end|{WHEN})": 4,
        rf"\bwhat did i (?:like|love|enjoy|care)\b.{{0,30}}\b(?:ago|{WHEN})\b": 5,
        rf"\bas (?:of|i was|it was)\b.{{0,20}}{WHEN}": 5,
        r"\bas i was\b|\bas of\b": 5,
        rf"\b(?:was|were|did|looked?|liked?|been|would you have)\b.{{0,60}}\b(?:in|on|before|last|during|back in|by|until|at) (?:the )?(?:early |late |mid-?)?{WHEN}": 3,
        r"\b(?:who|what) (?:was|were) i\b(?! (?:buying|doing))|\bwas i into\b": 4,
        r"\b(?:\w+ )?(?:years?|months?|weeks?) ago\b": 3,
        r"\bgo back to\b|\btravel back\b|\bback then\b|\bat that time\b|\btime travel\b": 4,
        r"\bwould you have (?:recommended|suggested|shown)\b": 4,
    },
    "migration": {
        r"\b(?:tastes?|interests?|habits?|preferences?) (?:\w+ )?(?:different|the same|other)\b|\bdifferent (?:from|than|to) (?:last|before|earlier|in|a)\b": 5,
        r"\b(?:los(?:e|t|ing)|gain(?:ed|ing)?) (?:my )?interest\b|\bno longer (?:buy|watch|read|like|want|care)\b": 5,
        r"\b(?:buy|watch|read|like|eat|drink) (?:less|more|fewer) (?:\w+ )?than (?:before|i used|last|earlier|a year)\b|\binterests? (?:are|is) (?:growing|fading|rising|shrinking|new|gone)\b": 5,
        r"\bseasonal(?:ly)?\b|\b(?:with|by|of) the seasons?\b|\bseason to season\b": 5,
        r"\b(?:what|how|have|has|did|which)\b.{0,40}\b(?:changed?|changing|shift(?:ed|ing)?|mov(?:ed|ing)|drift(?:ed|ing)?|evolv(?:ed|ing)|develop(?:ed|ing)?)\b": 4,
        r"\bam i (?:still |really )?(?:drifting|changing|different)\b|\bhow (?:am|was) i different\b|\bmigration\b|\bdrift\b": 4,
        r"\b(?:faded|fading|rising|rose|grew|growing|dropped|new) (?:with me|interests?|between|since)\b|\binterests? (?:have )?(?:faded|grown|grew|rose|dropped|come|gone)\b": 4,
        r"\bstop(?:ped)? (?:buying|watching|reading|viewing|liking|caring)\b|\b(?:more|less) important\b": 4,
        r"\bwhat(?:'s| is) new (?:with|about|in) (?:me|my)\b|\bnew (?:with|about) me\b": 4,
        r"\bcompare (?:my|me)\b": 4,
        rf"\b(?:since|between|from)\b.{{0,30}}{WHEN}": 1,
    },
    "about_me": {
        rf"\b(?:what|which|who)\b(?: \w+){{0,2}} i (?:\w+ )?(?:{_CHANGED}|chang\w+)|\b(?:did|have|had) i (?:\w+ )?{_CHANGED}": 6,
        rf"^(?!\W*why (?!did you (?:mut|hid|block|bann?|pin))).*\b(?:did|have|had|are) you (?:\w+ ){{0,2}}{_CHANGED}|\bwhat (?:exactly )?(?:did|have) you (?:\w+ ){{0,2}}(?:chang|und|do\b)\w*": 7,
        r"^\W*(?:(?:so|and|but|hm+|hey),? )*(?:is|are|was|were)(?:n'?t)? (?:\S+ ){1,4}(?:still |already |now )?(?:muted|pinned|blocked|hidden|banned|boosted|undone|reverted|removed|lowered|set aside|taken back|forgotten)\b": 6,
        r"\b(?:is|are) (?:everything|it all|all) (?:\w+ ){0,2}(?:as|like|the way) it was\b|\bdid (?:that|it|this) (?:change|do) anything\b|\bback to normal\W*\?|\bdid(?:n'?t| not) say to \w+ (?:it|that|this|them),? (?:did|have|do) you\b": 7,
        r"\b(?:remind me(?: of)?|repeat|list|recap) (?:what|everything|all) i(?:'ve| have| had)? (?:already )?(?:told|said|asked)\b|^\W*what (?:have |did )i (?:already )?(?:tell|told|say|said)(?: to)? you\b": 6,
        rf"\bwhat (?:is|are|was) (?:\w+ )?{_CHANGED}\b|\b(?:show|list|see) (?:me )?(?:my|the) (?:mutes?|pins?|blocks?|changes|feedback)\b": 6,
        r"\bknow (?:\w+ )?about me\b|\b(?:stored?|saved?|keep|kept|have|hold|collect(?:ed)?|record(?:ed)?|got) (?:\w+ ){0,2}(?:on|about|of) me\b": 5,
        r"\b(?:which|what|how much|how many|all|my) (?:\w+ ){0,3}(?:data|information|records)\b": 4,
        r"\bhow (?:much|many) (?:of )?(?:my )?(?:history|events|records)\b": 4,
        r"\b(?:what|which|list|show|my) (?:\w+ ){0,2}feedback\b": 4,
    },
    "search": {
        rf"\bhow much (?:money )?(?:(?:did|do|have) i (?:\w+ )?{_SPEND}|(?:goes|went|is spent|was spent)\b)": 5,
        r"\bwhen (?:was|is) my (?:last|latest|first) (?:visit|trip|shop\w*|order)\b|^\W*(?:and |so )?how (?:many times|often)(?: (?:do|did|have) i)?\W*$": 5,
        r"\bis my (?!list\b)[\w'’-]+(?: [\w'’-]+)? (?:going |gone )?(?:up|down|rising|falling|growing|increasing)\b": 6,
        rf"^(?!.*\b(?:what|which|why|when|how come)\b).*\b(?:do|did|don'?t|am|have|haven'?t) i (?:\w+ ){{0,3}}{_CONSUME}\b(?!.{{0,12}}\bmost(?:ly)?\b)": 4,
        rf"\bdo you (?:think|believe|feel|reckon) (?:that )?i (?:\w+ ){{0,3}}{_CONSUME}\b": 5,
        rf"\bi (?:\w+ |don'?t |do not |never ){{0,3}}{_CONSUME}\b.{{0,40}}, ?(?:do|don'?t|did|didn'?t|am|have|haven'?t|right|correct)(?: i)?\W*$": 5,
        rf"\bhow much .{{1,30}} (?:do|did|have) i {_CONSUME}\b": 4,
        r"\bwhen did i\b|\bdid i (?:ever|already)\b|\bhave i (?:ever |already )?(?:bought|seen|rated|viewed|watched|read|liked|looked|searched|got|had|tried|ordered)\b": 4,
        r"\bhow (?:often|many times) (?:did|have|do) i\b|\bhow many .{1,30} (?:did|have) i (?:buy|bought|view|see|rate|watch|read|order)": 4,
        r"\b(?:find|search|look up|look for|list|show|see|give me|browse) (?:me |through |in )?(?:\w+ )?(?:my |the )?(?:\w+ ){0,4}(?:purchases?|history|events?|views?|ratings?|searches|orders|log)\b": 4,
        r"^\W*my (?:\w+ )?(?:purchases|orders|views|ratings|searches)\b": 3,
        r"\bwhat (?:have i been|am i|was i) (?:\w+ly )?(?:buying|eating|drinking|watching|reading|getting|ordering)\b": 4,
        r"\bwhat (?:did i|have i) (?:buy|bought|do|done|view|see|rate|rated|search|look|order|watch|read|like|get)\b": 4,
        r"\b(?:list|show) (?:me )?(?:what|everything) i (?:bought|did|viewed|rated|saw|watched|read|ordered)\b": 4,
        r"\bmy (?:last|latest|first|recent) (?:\w+ ){0,2}(?:purchases?|events?|orders?|views?|ratings?)\b": 4,
        r"\bmy (?:\w+ )?(?:last|latest|first|recent) (?:purchases|events|orders|views|ratings)\b": 4,
        r"\b(?:last|latest|first) (?:\w+ ){1,2}(?:that )?i (?:bought|viewed|rated|ordered|saw|watched|read|liked|looked)\b": 4,
        r"\bwhen (?:was|were) (?:my|the) (?:last|first)\b": 4,
    },
    "profile": {
        r"\bwhat (?:do|would) you (?:think|say|believe) (?:that )?i (?:like|love|enjoy|prefer)\b": 6,
        r"\b(?:what|which|show|list|tell|describe|my|see|explain|summari[sz]e)\b.{0,30}\b(?:profile|interests?|tastes?|preferences?)\b": 3,
        r"\bwhat (?:kinds? of |sorts? of )?(?:things |stuff )?(?:do|am) i (?:mostly |mainly |really )?(?:like|into|interested|love|enjoy|spend|care|buy)\b": 3,
        r"\bam i (?:into|interested)\b|\bdo i (?:mostly|mainly) \w+": 3,
        r"\bwho am i\b|\bwhat am i like\b": 3,
        r"\bback to (?:today|now|the present)\b": 5,
    },
    "pin": {
        r"\b(?:hold|hang) on to\b|\bdon'?t (?:drop|lose) my\b": 5,
        r"(?:^|[,.;!?] |\b(?:please|you|to|and) )\W*pin\b|\balways (?:keep|show|have|include)\b|\bnever (?:drop|remove|lose)\b|\bkeep .{1,50}(?:in|at|on|as) (?:the )?(?:top|my|front|profile)\b": 4,
        r"\bimportant to me\b|\bwhatever happens\b": 2,
    },
    "mute": {
        r"\bspare me\b|\b(?:out of|off) my sight\b|\bkeep .{1,30} (?:away from me|out of)\b": 5,
        r"\b(?:get|take|keep|throw|leave) (?:this|that|it|these|those) (?:out|off)(?: of)? (?:my|the)\b": 4,
        r"(?:^|[,.;!?] |\b(?:please|and|but) )\W*stop (?:with |it with )?(?:the |all |all the |this |that |these |those )?(?!at\b|it\b|by\b|with\b|the\b|that\b|this\b|\w+ing\b)\w+": 4,
        r"\bmute\b|\bblock\b|\bhide\b|\bban\b|\bsilence\b": 5,
        r"\b(?:never|never ever|don'?t (?:you )?(?:ever|dare)|(?:don'?t )?you dare|stop) (?:show|recommend|suggest|giv|offer|list)\w* .{0,40}|\b(?:must|should|may) (?:not|never) (?:ever )?(?:show|recommend|suggest|giv|offer|list)\w* .{0,40}": 5,
        r"\b(?:don'?t|do not|won'?t|no longer) (?:want|wish|like|need) (?:to see )?.{0,50}\b(?:any ?more|again|any)\b": 4,
        r"\b(?:don'?t|do not) (?:show|recommend|suggest) .{0,50}(?:any ?more|again|ever)\b": 5,
        r"\bno more .{1,40}|\bsick of\b|\bget rid of\b": 4,
        r"\bnot interested in\b": 4,
        r"\bi never (?:ever )?want (?:to )?\w+": 4,
        r"\b(?:isn'?t|aren'?t|is not|are not|not) (?:really |quite |exactly )?my (?:thing|cup of tea|taste|style)\b": 4,
        r"^\W*(?:please,? |and |ok,? )?no (?!more\b|less\b|fewer\b|idea\b)(?:[\w'’-]+ ){1,4}(?:in|on|from) (?:my|the) (?:lists?|recommendations?|suggestions?)\b": 5,
        r"\b(?:nobody|no ?one|not anybody) (?:needs|wants|likes|asked for|cares for) \S+": 4,
        r"\b(?:can|could|would|will) you (?:maybe |please |perhaps |just )*not (?:show|recommend|suggest|give|list)\b": 5,
        r"(?:^|[,.;!?] |\bbut )\W*i (?:really |just )?(?:don'?t|do not|no longer|never) (?:like|enjoy|drink|eat|want|care for) (?!to\b|(?:this|that|the|your|my|these|those) (?:\w+ )?(?:lists?|suggestions?|recommendations?|ideas?|selection|results?|choices?)\b)\S+": 4,
        r"(?:^|[,.;!?] |\bbut )\W*i (?:really )?(?:hate|dislike|can'?t stand|detest) (?!(?:this|that|the|your|my|these|those) (?:\w+ )?(?:lists?|suggestions?|recommendations?|ideas?|selection|results?|choices?)\b)\S+": 4,
    },
    "less": {
        r"\b(?:turn|dial|scale|tone) (?:\w+ )?down\b": 4,
        r"\b(?:don'?t|do not|never|no need to|stop) (?:want |need )?(?:to )?(?:giv|show|recommend|suggest|list|want|need|see|boost|see)?\w* ?(?:me |us )?more (?!than\b|of the same\b)\S+": 6,
        r"\bless (?!than\b|expensive\b|important\b)\S+|\bfewer\b|\bnot so (?:many|much)\b|\btone down\b|\bcut (?:down|back)\b|\breduce\b|\btoo (?:many|much)\b|\bdecrease\b": 4,
    },
    "more": {
        r"\b(?:show|recommend|give|suggest|list|see|get)(?: me| us)? (?:so|too) (?:little|few) \S+|\b(?:so|too) (?:little|few) \S+ (?:on|in) (?:my|the) list": 6,
        r"\b(?:turn|pump|crank|dial) (?:\w+ )?up\b": 4,
        r"\bmore (?:like|of|from)\b|\b(?:show|see|give|want|like|have|recommend)(?: me)?(?: to see)? (?:\w+ )?more\b|\bincrease\b|\bbigger (?:place|share|role)\b|\bboost\b|\bplay a bigger\b": 4,
        r"^\W*more \S+": 3,
    },
    "recommend": {
        r"\b(?:don'?t|do not) (?:need|want) (?:any )?(?!to\b|you\b|this\b|that\b|it\b)[\w'’-]+(?: [\w'’-]+)? (?:this (?:week|time|month)|today|tonight|now|right now|at the moment)\b": 6,
        r"\b(?:don'?t|do not) (?:put|include|add) .{1,40}\b(?:on|in|to) (?:my|the) list\b|\bi (?:already|still) (?:have|got|own) (?:the|number|no\.?|#|enough)\b|\b(?:swap|replace|exchange) (?:the |number |no\.? ?|#)(?!list)": 6,
        r"^\W*(?:so |ok |and |hi |hey |well |thanks?,? |thank you,? )*(?:what(?:'s| is)|show(?: me)?|let me see|see) (?:now )?(?:on )?(?:the|my) (?:current |new )?list(?: (?:now|again|please|look like now))*\W*$|\b(?:ok |so )*what(?:'s| is) left(?: now| then)?\W*$|\bsame list as\b|\bis (?:it|this|that|the list|my list) (?:still )?the same\b|\b(?:does|did) (?:my|the) list (?:look|change)": 6,
        r"^\W*(?:just |only )?(?:the )?(?:top|first) (?:\d{1,2}|two|three|four|five|six|seven|eight|nine|ten)(?: (?:only|please|of them|items?|things?|ideas?))*\W*$": 6,
        r"(?:^|[,.:;!?] )\W*(?:(?:and|so|ok|hi|hey) )*(?:do you have|have you got|got any|got|i (?:said|meant)) (?!.*\b(?:me|my|mine|data|evidence|records?|reasons?|proof|information|saved?|stored?|to)\b)(?:(?:some|any|an?) )?[\w'’-]+(?: (?:with|for|without|in|of|containing) .{1,40}| [\w'’-]+)?\W*$": 4,
        rf"^(?!.*\b(?:{WHEN}|purchases|history|evidence)\b)\W*(?:(?:and|but|ok|also|then|please|so|now),? )*(?:skip|leave out) (?:the |any )?(?!list\b|to\b|it\b|that\b|this\b|them\b|me\b|number\b)[\w'’-]+": 6,
        r"\b(?:my |a |the )?budget\b(?!.*\bdid i\b)|\bnew (?:to|for) me\b|\bnot (?:from )?the [\w'’-]+ brand\b": 3,
        r"^\W*any (?!changes?\b|news\b|reasons?\b|evidence\b|filters?\b|constraints?\b|feedback\b|ideas?\b|rules?\b|luck\b)[\w'’-]+(?: [\w'’-]+)?\W*$": 2,
        r"\bi (?:already |just )?(?:told|asked) you (?:never|not) to\b": 5,
        r"\bwhat (?:goes|would go) (?:well |best )?with\b": 4,
        r"\bwhat (?:do|should|can|could) (?:you have|i (?:buy|get|need)) for\b": 5,
        r"\b(?:anything|something|things?) (?:new|else|different|i (?:don'?t|do not|never) (?:\w+ )?(?:buy|eat|get|have))\b|\bbored of (?:the|my|these)\b": 5,
        r"\bcan'?t believe you (?:\w+ )?(?:recommend|suggest|show|list)": 5,
        r"\b(?:other|further|different|alternative) (?:options|ideas|suggestions|choices|recommendations|picks)\b|\balternatives\b": 4,
        rf"^\W*(?:please |ok,? |and |now )?(?:can i (?:have|get|see) |could i (?:have|get|see) |(?:can|could) you )?(?:(?:show|give|recommend|suggest|list|get|tell|send)(?: me)? |i(?:'d like| want| need)(?: to see)? |let'?s see |let me see )?(?:the )?(?:{_NUMBER} )?(?:more|others?|further|next)(?: {_NUMBER})?(?: {_MORE_OF_LIST})?(?:,? please)?\W*$": 6,
        r"\b(?:don'?t|do not|didn'?t|not) (?:really )?(?:like|want|fancy|convinced by|happy with|a fan of)\b.{0,12}\b(?:this|that|the|your|my|these|those) (?:\w+ )?(?:lists?|suggestions?|recommendations?|ideas?|selection|results?|choices?)\b": 6,
        r"\b(?:hate|dislike) (?:this|that|the|your|my|these|those) (?:\w+ )?(?:lists?|suggestions?|recommendations?|ideas?|selection|results?|choices?)\b|\b(?:this|that|the|your) (?:lists?|selection) is (?:bad|boring|useless|wrong|no good|not good)\b": 6,
        r"\b(?:recommend|suggest|need|want|looking for|find|what|which|any|good|pick)\b.{0,30}\b(?:gifts?|(?<!at )presents?)\b": 5,
        rf"\bfor (?:a |an |my |the |our |his |her )?(?:\w+ )?{KIN}\b": 2,
        r"\b(?:for|at|to take to) (?:a |an |the |my |our |this |tonight'?s )?(?:\w+ )?(?:breakfast|brunch|lunch|dinner|supper|barbecues?|bbq|grill(?:ing)?|picnics?|party|parties|birthday|wedding|camping|christmas|easter|thanksgiving|halloween|holidays?|trip|weekend|guests|beach|movie night|game night)\b": 2,
        r"^\W*(?:and |ok |now )?for (?:a |an |the |my |our |this )?(?!me\b|now\b|sure\b|example\b)[\w'’-]+(?: [\w'’-]+)?\W*$": 2,
        r"\brecommend\w*\b|\bsuggest\w*\b": 2,
        r"\bideas?\b|\binspir\w+|\bsurprise me\b|\banything else\b|\bsomething\b|\bwhat else\b|\bwhat next\b": 2,
        r"\bwhat (?:should|could|can|might|shall) i (?:buy|get|read|watch|try|take|do|cook|eat|pick|have|listen)\b": 3,
        r"\bwhat (?:would|will|might|could) (?:fit|suit|i like)\b|\bgot (?:anything|something)\b": 3,
        r"\b(?:not|nothing) (?:so|too|that|very) (?:expensive|pricey|dear|long|old|big)\b": 3,
        r"^\W*(?:please |and |ok,? |actually,? |so |then |now |just )?(?:show|find|get|give) (?:me )?(?:some |\d{1,2} )?(?!me\b|why|how|what|which|my\b|the\b|all\b|how\b|more\b|less\b|fewer\b|when\b|where\b|who\b|it\b|this\b|that\b|back\b)[\w'’-]+(?: [\w'’-]+)?(?: please| pls)?\W*$": 2,
        r"\b(?:cheaper|shorter|longer|newer|older|lighter|smaller|bigger|pricier)\b": 2,
        r"\bonly (?:things|items|stuff|from|in|show|those|books|films|movies|products)\b|\bunder \$?\d+|\bbelow \$?\d+|\bat most \$?\d+": 3,
        r"^\W*(?:only|nothing but|just the|just(?= (?!a\b|an\b|me\b|kidding\b|joking\b|looking\b|because\b|wondering\b|tell\b|show\b))) (?!that\b|this\b|it\b)[\w'’-]+": 3,
        r"\b(?:show|give|recommend|suggest|list|want) (?:me )?(?:only|nothing but) \S+|\bonly (?:show|give|recommend|suggest|list|want)\b": 3,
        r"\bnot from\b|\bnothing (?:with|from|by)\b|\bother than\b|\binstead\b|\bdifferent brand\b": 2,
        r"\bfor (?:a|my|the|our) (?:\w+ )?(?:child|kids?|children|toddler|baby|son|daughter|boy|girl)\b": 2,
        r"\bnew list\b|\bnext list\b|\bmy (?:list|recommendations?)\b|\bshow me (?:some|a few|\w+ (?:things|items|books|films|movies))\b": 2,
        r"\bi (?:need|want|am looking for|'m looking for)\b": 2,
    },
    "help": {
        r"^\W*(?:(?:ok(?:ay)?|great|perfect|no),? )?(?:thanks?|thank you|thx|cheers|bye|goodbye|good ?night|see you)\b(?!.*\b(?:recommend|show|suggest|give|why|less|more|mute|hide|without|but|what|when|how|undo|no|not)\b).{0,40}$": 5,
        r"^\W*(?:you(?:'ve| have) been|you(?:'re| are)|that(?:'s| is| was)) (?:so |very |really |a |been )*(?:great|helpful|awesome|good|nice|kind|lovely|big help|all(?: for (?:now|today))?|it for (?:now|today))\W*(?:thanks?|thank you|bye)?\W*$": 5,
        r"\bare you (?:an? )?(?:real |actual )?(?:ai|a\.i\.|bot|robot|human|person|machine|computer|program|model)\b": 5,
        r"\b(?:manual|user guide|instructions|tutorial|documentation)\b": 4,
        r"\bhow (?:do|can|should) i (?:use|operate|talk to|work with) (?:this|it|that|you|the chat)\b": 6,
        r"\bwhat (?:does|do|is|are) (?:the |a |an )?[\"“'‘]?(?:(?:command|word) )?[\"“'‘]?(?:mute|muting|pin|pinning|less|more|gift|undo|forget|filter|constraint|confidence|facet)s?[\"”'’]?(?: \w+)? (?:do|mean|work|good for|for|here)\b": 7,
        r"\bhow (?:do|does|can) (?:i |you )?(?:use )?(?:mute|muting|pin|pinning|undo|gift|forget)\b": 6,
        r"^\W*(?:help|\?+|hi|hello|hey|thanks?(?: you)?|thank you|good (?:morning|evening|day)|ok(?:ay)?|bye|great|cool|nice)\b.{0,12}$": 5,
        r"^\W*(?:hiya|howdy|greetings)\W*$|^\W*(?:(?:ok(?:ay)?|great|cool|nice|perfect|awesome|thanks?|thx|ty|cheers|thank you|that['’]?s|cool|you(?:'re|r| are)?|so|very|really|the|best|much|a|lot|good|helpful|wonderful|and|for|that|all|bye|lol|wow|love|it|haha)\W+|(?:ok(?:ay)?|great|cool|nice|perfect|awesome|thanks?|thx|ty|cheers|best|much|lot|good|helpful|wonderful|all|bye|lol|wow|love|it|haha|you)\W*$)+$": 5,
        r"\bwhat (?:can|do) you (?:actually |really |even )?(?:do|offer)\b|\bwhat (?:can|could|may|should) i ask\b|\bhow (?:does|do) (?:this|it|you) work\b|\bwhat are you\b|\bwho are you\b": 5,
    },
}
