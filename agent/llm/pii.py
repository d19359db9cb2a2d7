"""Finding what identifies people in a text, and replacing it in a way that can be taken back."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

# Han, kana and hangul are word characters to `re`, and stand next to an address without a space.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_URL = re.compile(
    r"\b(?:https?|ftp|wss?)://[^\s<>\"'⟨⟩，。；！？、（）】」』]+"
    r"|(?<![\w@.])www\.[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[^\s<>\"'⟨⟩，。；！？、（）】」』]*)?",
    re.IGNORECASE,
)
# Each pattern begins where a run of its characters begins: a start at every character of a long text would
# take the square of its length.
_LOCAL = rf"(?:[^\W{_CJK}]|[.%+'&*/=^{{}}~-])"
_EMAIL = re.compile(
    rf"(?<![^\W{_CJK}])(?<![.%+'&*/=^{{}}~-]){_LOCAL}++@"
    rf"(?:[^\W_{_CJK}](?:[^\W_{_CJK}]|-)*+\.)+[^\W\d_{_CJK}]{{2,}}"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\d+])\d(?:[ -]?\d){12,29}(?!\d)")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]++(?![0-9A-Za-z])")
_PHONES = (
    # International: a plus (or 00) and 7 to 15 digits, in any grouping.
    re.compile(r"(?<![\w+])(?<!\d )(?:\+|00) ?\(?[1-9](?:[ ().\-/]{0,3}\d){6,14}(?!\d)"),
    # North America: 555-123-4567, (555) 123 4567.
    re.compile(r"(?<![\d.-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\d]|[.-]\d)"),
    # Mainland China, mobile.
    re.compile(r"(?<![\d.])1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"),
    # National with a trunk 0: 030 1234567, 0171/123 45 67, 010-12345678.
    re.compile(
        r"(?<![\d.,:])(?<!\d )(?:\(0\d{1,4}\)|0\d{1,4})[ /-]{1,2}\d{3,8}(?:[ -]?\d{2,4}){0,3}(?![\d]|[.,:]\d)"
    ),
)
# Same length, so that a place found in the folded text is a place in the text.
_FOLDED: Final = str.maketrans("０１２３４５６７８９＠．－（）", "0123456789@.-()")
_TRAILING = ".,;:!?)]}'\""
_PHONE_DIGITS: Final = range(7, 16)
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


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        # What follows an IBAN after a space looks like its next group: the longest part that checks is it.
        for end in _group_ends(match[0], 15):
            if is_iban(match[0][:end]):
                yield match.start(), match.start() + end
                break


def _cards(text: str) -> Iterator[tuple[int, int]]:
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
    if len(text) > _MAX_ADDRESS or not any(map(str.isalnum, text)):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            if sum(map(str.isdigit, match[0])) in _PHONE_DIGITS:
                yield match.span()


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
