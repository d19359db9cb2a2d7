"""Finding what identifies people in a text, and replacing it in a way that can be taken back."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

# Han, kana and hangul are word characters to `re`, and stand next to an address without a space.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# A URL ends where Han, kana or hangul begin: a sentence goes on there more often than a path does.
_URL_BODY = rf"[^\s<>\"'⟨⟩，。；！？、（）】」』{_CJK}]"
_URL = re.compile(
    rf"(?<![A-Za-z0-9])(?:https?|ftp|wss?)://{_URL_BODY}+"
    rf"|(?<![A-Za-z0-9_@.])www\.[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/{_URL_BODY}*)?",
    re.IGNORECASE,
)
# Each pattern begins where a run of its characters begins: a start at every character of a long text would
# take the square of its length.
_LOCAL = rf"(?:[^\W{_CJK}]|[.%+'&*/=^{{}}~-])"
_EMAIL = re.compile(
    rf"(?<![^\W{_CJK}])(?<![.%+'&*/=^{{}}~-]){_LOCAL}++@"
    rf"(?:[^\W_{_CJK}](?:[^\W_{_CJK}]|-)*+\.)+[^\W\d_{_CJK}]{{2,}}"
)
# An address in Han, kana or hangul has no edge towards the words around it: the whole run before the @ is
# taken, and the domain has to end in a name that the root zone knows (IANA, "Root Zone Database",
# https://www.iana.org/domains/root/db).
_CJK_ENDS = (
    "中国|中國|公司|网络|網絡|香港|台湾|台灣|新加坡|澳门|澳門|集团|在线|中文网|网址|商城|政务|公益"
    "|한국|みんな"
)
_CJK_EMAIL = re.compile(
    r"(?<![\w.%+'&*/=^{}~-])[\w.%+'&*/=^{}~-]++@"
    rf"(?:(?:[^\W_]|-)++\.)+(?:{_CJK_ENDS}|[^\W\d_{_CJK}]{{2,}})"
)
_IS_CJK_EMAIL = re.compile(rf"[{_CJK}]@|@.*[{_CJK}]")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\d+])\d(?:[ -]?\d){12,29}(?!\d)")
# Dots stand between decimals too: they count only in the groups that cards are printed in.
_DOTTED_CARD = re.compile(r"(?<![\d+.])\d{4}(?:(?:\.\d{4}){3}(?:\.\d{1,3})?|\.\d{6}\.\d{4,5})(?!\d|\.\d)")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]++(?![0-9A-Za-z])")
_PHONES = (
    # International: a plus and 7 to 15 digits, or 00 and 9 to 15, in any grouping.
    re.compile(r"(?<![A-Za-z0-9_+])\+ ?\(?[1-9](?:[ ().\-/]{0,3}\d){6,14}(?!\d)"),
    re.compile(r"(?<![A-Za-z0-9_+])(?<!\d[ .,])00 ?\(?[1-9](?:[ ().\-/]{0,3}\d){8,14}(?!\d)"),
    # North America: 555-123-4567, (555) 123 4567.
    re.compile(r"(?<![\d.-])(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}(?![\d]|[.-]\d)"),
    # Mainland China, mobile.
    re.compile(r"(?<![\d.])1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"),
    # France and others: 06 12 34 56 78, with one separator throughout.
    re.compile(r"(?<![\d.,:/-])(?<!\d )0[1-9]([ .-])\d\d(?:\1\d\d){3}(?!\1?\d)"),
    # National with a trunk 0: 030 1234567, 0171/123 45 67, (010)12345678; not month and year of a date.
    re.compile(
        r"(?<![\d.,:])(?<!\d )(?!(?<=\d[-/])0[1-9][-/](?:19|20)\d\d(?!\d))"
        r"(?:\(0[1-9]\d{0,3}\)[ /-]{0,2}|0[1-9]\d{0,3}[ /-]{1,2})\d{3,8}(?:[ -]?\d{2,4}){0,3}(?![\d]|[.,:]\d)"
    ),
)
# One to one, so that a place found in the folded text is a place in the text: full-width letters, digits and
# the marks of addresses, then spaces and dashes of every width.
_FULL_WIDTH = "".join(map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))))
_WIDE = _FULL_WIDTH + "＋＠．－（）"
_SPACES = "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\ufe58\ufe63"
_FOLDED: Final = {
    **{ord(mark): chr(ord(mark) - 0xFEE0) for mark in _WIDE},
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _DASHES), "-"),
}
_TRAILING = ".,;:!?()[]{}'\""
_PHONE_DIGITS: Final = range(7, 16)
# With fewer a number that begins with 0 is an amount, a size or a part of a date.
_LEAST_NATIONAL: Final = 9
_MAX_ADDRESS: Final = 45

Finder = Callable[[str], Iterator[tuple[int, int]]]


def _urls(text: str) -> Iterator[tuple[int, int]]:
    for match in _URL.finditer(text):
        url = match[0]
        while url[-1] in _TRAILING and not (url[-1] == ")" and url.count("(") >= url.count(")")):
            url = url[:-1]
        yield match.start(), match.start() + len(url)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        yield match.span()
    for match in _CJK_EMAIL.finditer(text):
        if _IS_CJK_EMAIL.search(match[0]):
            yield match.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        # What follows an IBAN after a space looks like its next group: the longest part that checks is it.
        for end in _group_ends(match[0], 15):
            if is_iban(match[0][:end]):
                yield match.start(), match.start() + end
                break


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _DOTTED_CARD.finditer(text):
        if is_card(match[0]):
            yield match.span()
    for match in _CARD.finditer(text):
        run, start = match[0], 0
        while start < len(run):
            ends = (start + end for end in _group_ends(run[start:], 13))
            end = next((end for end in ends if is_card(run[start:end])), None)
            if end is not None:
                yield match.start() + start, match.start() + end
                start = end
            else:
                gap = re.search(r"[ -]", run[start:])
                start = start + gap.end() if gap else len(run)


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            # A full stop or a colon after an address belongs to the sentence.
            for address in dict.fromkeys((match[0], match[0].rstrip("."), match[0].rstrip(".:"))):
                if _is_address(address):
                    yield match.start(), match.start() + len(address)
                    break


def _is_address(text: str) -> bool:
    # Of letters alone it is a scope such as `a::b` more often than an address.
    if len(text) > _MAX_ADDRESS or not any(map(str.isdigit, text)):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            digits = sum(map(str.isdigit, match[0]))
            least = _LEAST_NATIONAL if match[0].lstrip("(").startswith("0") else _PHONE_DIGITS.start
            if least <= digits < _PHONE_DIGITS.stop and not _is_padded_upc(match[0]):
                yield match.span()


def _is_padded_upc(text: str) -> bool:
    """Whether a number that begins like an international call is an article's: 13 digits that check.

    One telephone number in ten of exactly that form (00, then 11 digits in one piece) is taken for one too.
    GS1, "General Specifications", section 7.9, https://www.gs1.org/standards/barcodes-epcrfid-id-keys
    """
    if len(text) != 13 or not text.isdigit() or not text.startswith("00"):
        return False
    return sum(int(mark) * (3 if place % 2 else 1) for place, mark in enumerate(text)) % 10 == 0


# In this order: a URL may hold an address, a card number looks like a long telephone number.
_FINDERS: Final[Mapping[str, Finder]] = {
    "url": _urls,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
    "phone": _phones,
}
KINDS: Final = tuple(_FINDERS)
_PLACEHOLDER = re.compile(rf"[⟨<](?:{'|'.join(KINDS)})-\d+[⟩>]")
# Keys of a JSON schema whose texts are not shown to people and would break when changed.
_SCHEMA_SYNTAX = frozenset({"$schema", "$id", "$ref", "pattern", "format", "type"})


def is_card(text: str) -> bool:
    """Whether the digits of `text` are 13 to 19 and pass the Luhn check (ISO/IEC 7812-1, annex B).

    One article number (EAN) in ten passes too and counts as a card: better one placeholder too many.

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(mark) for mark in text if mark.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether `text` is an IBAN of 15 to 34 characters whose check digits fit (ISO 13616, mod 97).

    >>> is_iban("DE89 3704 0044 0532 0130 00"), is_iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    plain = re.sub(r"[ -]", "", text).upper()
    if not 15 <= len(plain) <= 34 or not plain.isascii() or not plain.isalnum():
        return False
    return int("".join(str(int(mark, 36)) for mark in plain[4:] + plain[:4])) % 97 == 1


def _group_ends(run: str, least: int) -> list[int]:
    """Where the groups of `run` end, latest first, with `least` letters or digits before."""
    ends = [match.start() for match in re.finditer(r"[ -]", run)] + [len(run)]
    return [end for end in reversed(ends) if sum(map(str.isalnum, run[:end])) >= least]


class Redactor:
    """Replaces what identifies people by placeholders such as `⟨email-1⟩`, and puts it back.

    One redactor serves one request, and is made with all of its texts: the same address gets the same
    placeholder in each. A placeholder that happens to stand in one of them already is never given out.
    """

    def __init__(self, *texts: str) -> None:
        self._original: dict[str, str] = {}
        self._placeholder: dict[tuple[str, str], str] = {}
        self._taken = {_canonical(match[0]) for text in texts for match in _PLACEHOLDER.finditer(text)}

    @property
    def counts(self) -> dict[str, int]:
        """How many different ones of each kind were replaced; kinds without any are left out."""
        kinds = [kind for kind, _ in self._placeholder]
        return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}

    def hide(self, text: str) -> str:
        """`text` with placeholders."""
        for kind, find in _FINDERS.items():
            spans = sorted(find(text.translate(_FOLDED)), key=lambda span: (span[0], -span[1]))
            parts, at = [], 0
            for start, end in spans:
                if start >= at:
                    parts += [text[at:start], self._name(kind, text[start:end])]
                    at = end
            text = "".join([*parts, text[at:]])
        return text

    def restore(self, text: str) -> str:
        """`text` with every placeholder that was given out put back; models like to write `<` for `⟨`."""
        return _PLACEHOLDER.sub(lambda match: self._original.get(_canonical(match[0]), match[0]), text)

    def hide_schema(self, value: Any) -> Any:
        """A JSON schema with placeholders in its names and texts."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {
                self.hide(str(key)): entry if _is_syntax(key, entry) else self.hide_schema(entry)
                for key, entry in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.hide_schema(entry) for entry in value]
        return value

    def restore_data(self, value: Any) -> Any:
        """JSON data with every placeholder put back, keys included."""
        if isinstance(value, str):
            return self.restore(value)
        if isinstance(value, Mapping):
            return {self.restore(str(key)): self.restore_data(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.restore_data(entry) for entry in value]
        return value

    def _name(self, kind: str, original: str) -> str:
        known = self._placeholder.get((kind, original))
        if known is not None:
            return known
        number = 1
        while (name := f"⟨{kind}-{number}⟩") in self._original or name in self._taken:
            number += 1
        self._original[name] = original
        self._placeholder[kind, original] = name
        return name


def _is_syntax(key: str, entry: Any) -> bool:
    """Whether a schema's entry is not for people; a property of that name has a schema as its entry."""
    return key in _SCHEMA_SYNTAX and not isinstance(entry, Mapping)


def _canonical(placeholder: str) -> str:
    return f"⟨{placeholder[1:-1]}⟩"
