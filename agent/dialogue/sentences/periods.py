"""Spans of time in a question: months, seasons, years, dates, “three weeks ago”; English and Chinese."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from agent.data.days import day_number, day_start_ms
from agent.dialogue.sentences.numbers import NUMBER_EN, NUMBER_ZH, read_number

Relation = Literal["in", "before", "since"]

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
# Northern seasons, by meteorologists' months: the first one, three months each.
_SEASONS: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_SEASONS_ZH: Final = {"春": 3, "夏": 6, "秋": 9, "冬": 12}
_NUMBERS: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5,
    "六": 6, "七": 7, "八": 8, "九": 9, "十": 10, "十一": 11, "十二": 12, "半": 0,
}  # fmt: skip
_DAYS: Final = {
    "day": 1,
    "week": 7,
    "month": 30.44,
    "year": 365.25,
    "天": 1,
    "周": 7,
    "个月": 30.44,
    "年": 365.25,
}
_COUNT: Final = "|".join(sorted((name for name in _NUMBERS if name.isascii()), key=len, reverse=True))
_COUNT_ZH: Final = r"[一两二三四五六七八九十]{1,3}|\d+"
# “May” and “march” are words of their own: taken for months only where they look like them.
_LEAD: Final = (
    r"(?:in|on|of|since|from|until|till|before|after|last|past|by|during|and|to|my|this|around|early|late)"
)

_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("day", r"(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)(?!\d)"),
        ("named", rf"(?:(?P<y>(?:19|20)\d\d)年|(?P<rel>去年|前年|今年)的?)?(?P<m>1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?P<d>{NUMBER_ZH})[日号]"),
        ("month", r"(?P<y>(?:19|20)\d\d)[-/](?P<m>\d\d?)(?!\d)"),
        ("month", r"(?:(?P<y>(?:19|20)\d\d)年|(?P<rel>去年|前年|今年)的?)?(?P<m>1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?:份)?"),
        ("half", r"\b(?P<h>first|second|1st|2nd) half(?: of (?:the |this |last )?year)?"),
        ("half", r"(?P<h>上|下)半年"),
        ("ago", rf"\b(?P<n>\d+|{_COUNT}|half a) (?P<u>day|week|month|year)s? ago\b"),
        ("ago", rf"(?P<n>{_COUNT_ZH}|半)(?P<u>年|个月|周|天)(?:之|以)?前"),
        ("recent", rf"\b(?:last|past) (?P<n>{NUMBER_EN}) (?P<u>day|week|month|year)s\b"),
        ("recent", rf"(?:最近|过去|近)的?(?P<n>{NUMBER_ZH}|半)(?P<u>年|个月|周|天)"),
        ("named", rf"\b(?P<name>(?:{_MONTH})) (?P<d>\d\d?)(?:st|nd|rd|th)?,? (?P<y>(?:19|20)\d\d)\b"),
        ("named", rf"\b(?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<name>{_MONTH}),? (?P<y>(?:19|20)\d\d)\b"),
        ("named", rf"\b(?P<name>{_MONTH}),? (?P<y>(?:19|20)\d\d)\b"),
        ("named", rf"\b(?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)(?: of)? (?P<name>{_MONTH})\b"),
        ("named", rf"(?:(?<=\s)|^)(?P<lead>{_LEAD}) (?:the )?(?P<d>\d\d?)(?: of)? (?P<name>{_MONTH})\b"),
        ("named", rf"\b(?P<name>{_MONTH}) (?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)\b"),
        ("named", rf"(?:(?<=\s)|^)(?P<lead>{_LEAD}) (?P<name>{_MONTH}) (?P<d>\d\d?)\b(?! (?:times|more|items|things|ideas|or|of)\b)"),
        ("named", rf"(?:^\W*|, )(?P<name>{_MONTH}) (?P<d>\d\d?)(?=\W*$|[,.;?!])"),
        ("named", rf"(?:(?<=\s)|^)(?P<lead>{_LEAD}) (?P<name>{_MONTH})\b(?! (?:i|we|you|be|have)\b)"),
        ("Named", r"(?-i:\b(?P<name>January|February|March|April|May|June|July|August|September|October|November|December)\b)(?! I\b)"),
        ("named", r"\b(?P<name>january|february|april|june|july|august|september|october|november|december)\b"),
        ("season", r"\b(?:(?P<rel>last|past|this) )?(?P<s>spring|summer|autumn|winter)(?: of)?(?: (?P<y>(?:19|20)\d\d))?\b"),
        ("season", r"\b(?:(?P<rel>last|past|this|in|the) )(?P<s>fall)(?: of)?(?: (?P<y>(?:19|20)\d\d))?\b"),
        ("season", r"(?:(?P<y>(?:19|20)\d\d)年|(?P<rel>去年|前年|今年)的?)?(?P<s>[春夏秋冬])[天季]"),
        ("christmas", r"\b(?:(?P<w>week before|before) )?christmas(?P<eve> eve)?\b|圣诞|(?P<eve_zh>平安夜)"),
        ("last", r"\b(?:last|past|previous) (?P<u>day|week|month|year)\b|\b(?P<yesterday>yesterday)\b"),
        ("last", r"(?P<zh>上个?月|上个?星期|上周|去年|前年|昨天|今年)"),
        (
            "year",
            r"\b(?:in|since|during|of|before|until|till|from|by|after|year|and|to) (?P<y>(?:19|20)\d\d)\b(?![-/年])"
            r"|(?P<yz>(?:19|20)\d\d)年",
        ),
    )
)  # fmt: skip
_BEFORE: Final = re.compile(
    r"(?:\bbefore|\buntil|\btill|\bby|\bup to)\s+(?:the )?(?:end of |last )?$", re.IGNORECASE
)
_SINCE: Final = re.compile(r"(?:\bsince|\bafter|\bfrom|自从?|从)\s*(?:the )?(?:last )?$", re.IGNORECASE)
_BEFORE_ZH: Final = re.compile(r"^(?:份)?(?:之|以)前")
_SINCE_ZH: Final = re.compile(r"^(?:份)?(?:之|以)(?:来|后)|^开始|^起")


def last_day(moment: datetime) -> str:
    """ISO date of the last day before a moment: what “as of” speaks of when the moment is not in it."""
    return f"{moment - timedelta(milliseconds=1):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Period:
    """A span `[start, end)`; `relation` says whether it, what is before it, or what is since is meant."""

    start: datetime
    end: datetime
    text: str
    relation: Relation = "in"
    spot: tuple[int, int] = (0, 0)

    @property
    def start_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.start.timestamp() * 1000)

    @property
    def end_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.end.timestamp() * 1000)

    @property
    def shown(self) -> str:
        """First and last day."""
        last = self.end - timedelta(milliseconds=1)
        first_day, last_day = f"{self.start:%Y-%m-%d}", f"{last:%Y-%m-%d}"
        return first_day if first_day == last_day else f"{first_day} – {last_day}"


def find_periods(text: str, now: datetime) -> list[Period]:
    """The spans that `text` names, in order; a month or season without a year is the latest one begun.

    >>> from datetime import UTC
    >>> now = datetime(2017, 12, 31, tzinfo=UTC)
    >>> [entry.shown for entry in find_periods("without my March purchases", now)]
    ['2017-03-01 – 2017-03-31']
    >>> [entry.shown for entry in find_periods("去年春天", now)]
    ['2016-03-01 – 2016-05-31']
    """
    found: list[Period] = []
    taken: list[tuple[int, int]] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            spot = match.span()
            if any(spot[0] < end and start < spot[1] for start, end in taken):
                continue
            span = _span(kind.lower(), match, now)
            if span is None:
                continue
            taken.append(spot)
            lead = match.groupdict().get("lead")
            name_at = match.end("lead") + 1 if lead else spot[0]
            relation = _relation(text, name_at, spot[1])
            found.append(Period(*span, text=match.group().strip(), relation=relation, spot=spot))
    return sorted(found, key=lambda entry: entry.spot)


def without_periods(question: str, periods: Sequence[Period]) -> str:
    """The question with the spans of time taken out, so that “May” is no topic."""
    for period in sorted(periods, key=lambda entry: -entry.spot[0]):
        question = f"{question[: period.spot[0]]} {question[period.spot[1] :]}"
    return question


def _relation(text: str, start: int, end: int) -> Relation:
    before, after = text[:start], text[end:]
    if _BEFORE.search(before) or _BEFORE_ZH.match(after):
        return "before"
    if _SINCE.search(before) or _SINCE_ZH.match(after):
        return "since"
    return "in"


def _span(kind: str, match: re.Match[str], now: datetime) -> tuple[datetime, datetime] | None:
    group = match.groupdict()
    try:
        if kind == "day":
            start = datetime(int(group["y"]), _number(group["m"]), int(group["d"]), tzinfo=now.tzinfo)
            return start, start + timedelta(days=1)
        if kind in ("month", "named"):
            return _month_span(group, now)
        if kind == "season":
            return _season_span(group, now)
        if kind == "year":
            year = int(group["y"] or group["yz"])
            return datetime(year, 1, 1, tzinfo=now.tzinfo), datetime(year + 1, 1, 1, tzinfo=now.tzinfo)
    except ValueError:  # 2017-13-45
        return None
    if kind == "ago":
        return _ago(group, now)
    if kind == "recent":
        return _recent(group, now)
    if kind == "half":
        return _half_year(group, now)
    if kind == "christmas":
        return _christmas(group, now)
    return _last(group, now)


def _half_year(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    year = (now - timedelta(days=1)).year
    first = group["h"] in ("first", "1st", "上")
    middle = datetime(year, 7, 1, tzinfo=now.tzinfo)
    begin, end = datetime(year, 1, 1, tzinfo=now.tzinfo), datetime(year + 1, 1, 1, tzinfo=now.tzinfo)
    return (begin, middle) if first else (middle, end)


def _christmas(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    year = now.year if (now.month, now.day) > (12, 20) else now.year - 1
    last = datetime(year, 12, 25, tzinfo=now.tzinfo)
    if group.get("eve") or group.get("eve_zh"):
        return last - timedelta(days=1), last
    return (
        (last - timedelta(days=7), last)
        if group.get("w")
        else (last - timedelta(days=1), last + timedelta(days=2))
    )


def _month_span(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    name = group.get("name")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else _number(str(group["m"]))
    day = (read_number(str(group["d"])) or 0) if group.get("d") else None
    year = int(str(group["y"])) if group.get("y") else _year(group.get("rel"), month, now, day or 1)
    if day is not None:
        start = datetime(year, month, day, tzinfo=now.tzinfo)
        return start, start + timedelta(days=1)
    days = calendar.monthrange(year, month)[1]
    start = datetime(year, month, 1, tzinfo=now.tzinfo)
    return start, start + timedelta(days=days)


def _season_span(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    name = str(group["s"]).lower()
    month = _SEASONS.get(name) or _SEASONS_ZH[name]
    relative = group.get("rel") if group.get("rel") in ("去年", "前年", "今年") else None
    year = int(str(group["y"])) if group.get("y") else _year(relative, month, now)
    start = datetime(year, month, 1, tzinfo=now.tzinfo)
    end_month = month + 3
    return start, datetime(year + (end_month > 12), (end_month - 1) % 12 + 1, 1, tzinfo=now.tzinfo)


def _year(relative: str | None, month: int, now: datetime, day: int = 1) -> int:
    if relative in ("去年", "前年", "今年"):
        return (now - timedelta(days=1)).year - {"今年": 0, "去年": 1, "前年": 2}[str(relative)]
    # A month that began only today is not the one that people look back on.
    begun = now - timedelta(days=1)
    return now.year if datetime(now.year, month, day, tzinfo=now.tzinfo) < begun else now.year - 1


def _ago(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    count, unit = str(group["n"]).lower(), str(group["u"]).lower()
    number = 0.5 if count in ("half a", "半") else float(_NUMBERS.get(count, 0) or count)
    start = now - timedelta(days=min(number * _DAYS[unit], 36_500))
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=max(_DAYS[unit] if unit in ("day", "天", "week", "周") else 1, 1))


def _recent(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    """The time up to now: so many days, weeks, months or years of it; “a few” are three."""
    count, unit = str(group["n"]).lower(), str(group["u"]).lower()
    number = 0.5 if count == "半" else read_number(count) or 1
    start = now - timedelta(days=min(number * _DAYS[unit], 36_500))
    return start.replace(hour=0, minute=0, second=0, microsecond=0), now


def _last(group: dict[str, str | None], now: datetime) -> tuple[datetime, datetime]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    word = group.get("u") or group.get("zh") or "day"
    first_of_month = today.replace(day=1)
    if word in ("year", "去年", "前年", "今年"):
        # On the first of January “this year” is the one that people look back on.
        year = (now - timedelta(days=1)).year - {"今年": 0, "前年": 2}.get(word, 1)
        return datetime(year, 1, 1, tzinfo=now.tzinfo), datetime(year + 1, 1, 1, tzinfo=now.tzinfo)
    if word in ("month", "上个月", "上月"):
        return (first_of_month - timedelta(days=1)).replace(day=1), first_of_month
    if word in ("week", "上周", "上个星期", "上星期", "上个周"):
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(days=7), monday
    return today - timedelta(days=1), today


def _number(text: str) -> int:
    return _NUMBERS[text] if text in _NUMBERS else int(text)


def moment_of(periods: list[Period], now: datetime) -> datetime | None:
    """The moment an “as of” question means: the end of a span, its begin after “before”; None without one."""
    if not periods:
        return None
    chosen = periods[0]
    moment = chosen.start if chosen.relation == "before" else chosen.end
    return min(moment, now)


def windows_of(periods: list[Period], zone: str = "UTC") -> tuple[int | None, int | None, int | None]:
    """Begin, split and end, in milliseconds, that a question about change means; None is left to the default.

    “Since May” splits there; “between January and June” spans both and splits in the middle; “March against
    July” spans from one to the other and splits where the later begins.
    """
    if not periods:
        return None, None, None
    if len(periods) == 1:
        only = periods[0]
        if only.relation in ("since", "before"):
            return None, only.start_ms, None
        return None, only.start_ms, only.end_ms
    first, last = sorted(periods[:2], key=lambda entry: entry.start_ms)
    if first.relation == "since" or last.start_ms > first.end_ms:
        middle = (first.start_ms + last.end_ms) // 2
        return first.start_ms, day_start_ms(day_number(middle, zone), zone), last.end_ms
    return first.start_ms, last.start_ms, last.end_ms
