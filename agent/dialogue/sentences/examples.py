"""What an unclear question comes closest to, among examples of what people say.

A ridge regression from character and word n-grams (and, where a sentence encoder is at hand, from its
vectors) to the tools, solved over the examples: once, in well under a second.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.sentences.examples_en import EXAMPLES_EN
from agent.dialogue.sentences.examples_zh import EXAMPLES_ZH
from agent.dialogue.sentences.tool_names import ToolName
from agent.interests.words import Language

Encode = Callable[[Sequence[str]], "NDArray[np.float32] | None"]

EXAMPLES: Final[Mapping[Language, Mapping[ToolName, str]]] = {"en": EXAMPLES_EN, "zh": EXAMPLES_ZH}
# Weight of the penalty, chosen by cross-validation over the examples among 0.05, 0.1, 0.3 and 1.
_RIDGE: Final = 0.1
# Parts of words count less than words.
_PART: Final = 0.3


def example_pairs(language: Language) -> list[tuple[str, ToolName]]:
    """Every example with its tool, in order."""
    return [
        (" ".join(text.split()), tool)
        for tool, texts in EXAMPLES[language].items()
        for text in texts.split("|")
    ]


def grams(text: str, language: Language) -> Counter[str]:
    """Words, pairs and triples of words, and parts of words; of Chinese up to three characters in a row.

    >>> sorted(grams("为何", "zh"))
    ['$', '^', '^为', '^为何', '为', '为何', '为何$', '何', '何$']
    """
    found: Counter[str] = Counter()
    folded = text.casefold()
    if language == "zh":
        line = "^" + re.sub(r"\W", "", folded) + "$"
        for n in (1, 2, 3):
            found.update(line[spot : spot + n] for spot in range(len(line) - n + 1))
        return found
    words = ["0" if word.isdigit() else word for word in re.findall(r"[a-z']+|\d+", folded)]
    found.update(f"w:{word}" for word in words)
    line_of_words = ["^", *words, "$"]
    for n in (2, 3):
        for spot in range(len(line_of_words) - n + 1):
            found[f"b:{' '.join(line_of_words[spot : spot + n])}"] += 1
    for word in words:
        edged = f"<{word}>"
        for n in (3, 4):
            for spot in range(len(edged) - n + 1):
                found[f"c:{edged[spot : spot + n]}"] += _PART  # type: ignore[assignment]
    return found


@dataclass
class Nearest:
    """Scores tools by how a question resembles their examples.

    Attributes:
        pairs: examples with their tools.
        language: of the examples.
    """

    pairs: Sequence[tuple[str, ToolName]]
    language: Language
    tools: tuple[ToolName, ...] = field(init=False)
    _spots: dict[str, int] = field(init=False, repr=False)
    _rarity: NDArray[np.float64] = field(init=False, repr=False)
    _rows: NDArray[np.float64] = field(init=False, repr=False)
    _targets: NDArray[np.float64] = field(init=False, repr=False)
    _weights: NDArray[np.float64] = field(init=False, repr=False)
    _encoded: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(
        default=None, init=False, repr=False
    )

    def __post_init__(self) -> None:
        self.tools = tuple(dict.fromkeys(tool for _, tool in self.pairs))
        counted = [grams(text, self.language) for text, _ in self.pairs]
        seen = Counter(gram for one in counted for gram in one)
        self._spots = {gram: spot for spot, gram in enumerate(seen)}
        n = len(self.pairs)
        self._rarity = np.array([math.log((n + 1) / (count + 0.5)) for count in seen.values()])
        self._rows = np.array([self._row(one) for one in counted])
        targets = np.full((n, len(self.tools)), -1 / len(self.tools))
        for row, (_, tool) in enumerate(self.pairs):
            targets[row, self.tools.index(tool)] = 1
        self._targets = targets
        self._weights = self._solve(self._rows @ self._rows.T)

    def scores(self, question: str, encode: Encode | None = None) -> dict[ToolName, float]:
        """One score per tool, around 1 for what is said just so and 0 for what is not.

        Args:
            encode: unit vectors of sentences; None, or what it cannot give, leaves the n-grams alone.
        """
        row = self._row(grams(question, self.language))
        own, weights = self._rows @ row, self._weights
        asked = None if encode is None else encode([question])
        if encode is not None and asked is not None:
            vectors, weights = self._with_vectors(encode, asked.shape[1])
            own = own + vectors @ asked[0].astype(np.float64)
        return dict(zip(self.tools, map(float, own @ weights), strict=True))

    def _with_vectors(self, encode: Encode, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vectors of the examples, and their weights where vectors count too; kept for one encoder."""
        if self._encoded is None or self._encoded[0].shape[1] != width:
            found = encode([text for text, _ in self.pairs])
            vectors = np.zeros((len(self.pairs), width)) if found is None else found.astype(np.float64)
            self._encoded = vectors, self._solve(self._rows @ self._rows.T + vectors @ vectors.T)
        return self._encoded

    def _solve(self, among: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(n, n_tools)` weights of the examples, given how alike they are."""
        found = np.linalg.solve(among + _RIDGE * np.eye(len(among)), self._targets)
        return np.asarray(found, np.float64)

    def _row(self, counted: Counter[str]) -> NDArray[np.float64]:
        row = np.zeros(len(self._rarity))
        for gram, count in counted.items():
            if (spot := self._spots.get(gram)) is not None:
                row[spot] = math.log1p(count) * self._rarity[spot]
        norm = float(np.linalg.norm(row))
        return row / norm if norm else row


@lru_cache(maxsize=2)
def nearest(language: Language) -> Nearest:
    """The examples of a language, made ready once."""
    return Nearest(example_pairs(language), language)
