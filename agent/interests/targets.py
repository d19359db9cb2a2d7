"""From what a person types to what they mean: a facet, a category, an item or an interaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from typing import Final

import numpy as np

from agent.data.log import Catalogue, InteractionLog
from agent.errors import SettingsError
from agent.interests.state import UserState
from agent.schema import FeedbackAction, FeedbackTarget

# In this order a word is tried where the kind is not given: the user's own interests first.
_KINDS: Final[Mapping[FeedbackAction, tuple[FeedbackTarget, ...]]] = {
    "pin": ("facet",),
    "rename": ("facet",),
    "mute": ("facet", "category", "item"),
    "less": ("facet", "category", "item"),
    "more": ("facet", "category", "item"),
    "gift": ("interaction", "item"),
}
_MAX_LABEL: Final = 60
_NEAR: Final = 5
# Titles looked through for a near match: enough for a message, not for a search.
_TITLES_TRIED: Final = 20_000
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Target:
    """What a feedback is about; `value` as in `Feedback`."""

    kind: FeedbackTarget
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class TargetFinder:
    """Finds what one user can mean.

    Attributes:
        state: of the user, now.
        log: all their interactions, gifts included.
    """

    state: UserState
    log: InteractionLog
    catalogue: Catalogue

    def find(
        self, action: FeedbackAction, text: str, *, kind: FeedbackTarget | None = None, value: str = ""
    ) -> Target:
        """The target that `text` names: a key, a label, a category, an item id or title, an interaction id.

        A gift may name one day of an item as `ITEM@2017-05-01`, or by `value`.

        Raises:
            SettingsError: nothing of that name, the wrong kind for the action, or a value that does not fit;
                near matches are named.
        """
        kinds = _KINDS.get(action)
        if kinds is None:
            raise SettingsError(f"expected one of {', '.join(_KINDS)}, got {action!r}; undo has its own call")
        if kind is not None and kind not in kinds:
            raise SettingsError(f"{action!r} expects a target among {', '.join(kinds)}, got {kind!r}")
        text, wanted = text.strip(), text.strip()
        if action == "gift" and "@" in wanted and _DAY.fullmatch(wanted.rpartition("@")[2]):
            wanted, _, value = wanted.rpartition("@")
        for each in (kind,) if kind else kinds:
            name = self._finders()[each](wanted.removeprefix("#") if each == "interaction" else wanted)
            if name is not None:
                return Target(each, name, self._value(action, each, name, value.strip()))
        raise SettingsError(self._unknown(action, text, (kind,) if kind else kinds))

    def _finders(self) -> Mapping[FeedbackTarget, Callable[[str], str | None]]:
        return {
            "facet": self._facet,
            "category": self._category,
            "item": self._item,
            "interaction": self._interaction,
        }

    def _facet(self, text: str) -> str | None:
        shown = self.state.shown
        if text in shown:
            return text
        wanted = text.casefold()
        # What is on the screen before what it was called once: another facet may bear the old name now.
        named = (
            (key, words[key].label) for words in (shown, self.state.words) for key in self.state.frame.keys
        )
        return next((key for key, label in named if label.casefold() == wanted), None)

    def _category(self, text: str) -> str | None:
        wanted = text.casefold()
        return next((name for name in self.catalogue.category_names if name.casefold() == wanted), None)

    def _item(self, text: str) -> str | None:
        if text in self.catalogue.item_codes:
            return text
        wanted = text.casefold()
        spots = (code for code, title in enumerate(self.catalogue.titles) if title.casefold() == wanted)
        code = next(spots, None)
        return None if code is None else self.catalogue.item_ids[code]

    def _interaction(self, text: str) -> str | None:
        return text if text.isdecimal() and int(text) in self.log.interaction_id else None

    def _value(self, action: FeedbackAction, kind: FeedbackTarget, name: str, value: str) -> str:
        if action == "rename":
            return self._label(name, value)
        if action != "gift" or kind != "item":
            if value:
                raise SettingsError(f"{action!r} of a {kind} takes no value, got {value!r}")
            return ""
        mine = self.log.item == self.catalogue.item_codes[name]
        if value:
            if not _DAY.fullmatch(value):
                raise SettingsError(f"expected the day of a gift such as 2017-05-01, got {value!r}")
            mine &= np.datetime_as_string(self.log.timestamp_ms.astype("datetime64[ms]"), "D") == value
        if not mine.any():
            when = f" on {value}" if value else ""
            raise SettingsError(f"user {self.state.user_id!r} has no event with item {name!r}{when}")
        return value

    def _label(self, key: str, label: str) -> str:
        if not label or len(label) > _MAX_LABEL or not label.isprintable():
            raise SettingsError(
                f"expected a new name of 1 to {_MAX_LABEL} printable characters, got {label!r}"
            )
        others = [entry.label for other, entry in self.state.shown.items() if other != key]
        if label.casefold() in (other.casefold() for other in others):
            raise SettingsError(f"another interest is called {label!r} already; choose another name")
        return label

    def _unknown(self, action: FeedbackAction, text: str, kinds: Sequence[FeedbackTarget]) -> str:
        near = self._near(text, kinds)
        hint = f"; near: {', '.join(near)}" if near else ""
        return (
            f"{action!r} expects {' or '.join(kinds)} of user {self.state.user_id!r}, got {text!r}{hint}. "
            f"Facets are named by key or label (driftrec profile {self.state.user_id}), "
            "items by id or title, interactions by the number that evidence cites"
        )

    def _near(self, text: str, kinds: Sequence[FeedbackTarget]) -> list[str]:
        names: list[Iterable[str]] = []
        if "facet" in kinds:
            names.append(entry.label for entry in self.state.shown.values())
        if "category" in kinds:
            names.append(self.catalogue.category_names)
        if "item" in kinds:
            own = np.unique(self.log.item[self.log.item >= 0])
            names.append(self.catalogue.titles[code] for code in own)
            names.append(self.catalogue.titles)
        known = list(dict.fromkeys(islice(chain.from_iterable(names), _TITLES_TRIED)))
        wanted = text.casefold()
        holding = [name for name in known if len(wanted) > 2 and wanted in name.casefold()]
        close = get_close_matches(text, known[: _TITLES_TRIED // 10], n=_NEAR, cutoff=0.6)
        return [repr(name) for name in dict.fromkeys([*close, *holding])][:_NEAR]
