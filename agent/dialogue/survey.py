"""A short questionnaire about the recommendations, its answers kept as lines that are only ever added.

One item for each of seven constructs of ResQue and two for the intention, each on a five-point scale of
agreement. The wording follows surveys that use ResQue, not the paper itself; "items" stands for their
"products" or "songs", and "take" for "buy". Source: Pu, Chen, Hu 2011, "A user-centric evaluation framework
for recommender systems", https://doi.org/10.1145/2043932.2043962. ResQue was validated as
a whole, this selection of it was not; the Chinese wording is our own translation, not validated either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import DataError, SettingsError
from agent.interests.words import Language
from agent.schema import to_plain

Construct = Literal[
    "accuracy", "novelty", "diversity", "explanation", "transparency", "control", "satisfaction", "intent"
]
SURVEY_FILE = Path("reports") / "survey.jsonl"
_FORM: Final = "resque-9.v1"


@dataclass(frozen=True, slots=True)
class Question:
    """One item of the questionnaire; `key` names it in stored answers."""

    key: str
    construct: Construct
    en: str
    zh: str

    def text(self, language: Language) -> str:
        """The item as it is asked."""
        return self.zh if language == "zh" else self.en


QUESTIONS: tuple[Question, ...] = (
    Question(
        "accuracy",
        "accuracy",
        "The items recommended to me matched my interests.",
        "推荐给我的物品符合我的兴趣。",
    ),
    Question(
        "novelty",
        "novelty",
        "The recommender helped me discover new items.",
        "这个推荐系统帮助我发现了新的物品。",
    ),
    Question(
        "diversity", "diversity", "The items recommended to me are diverse.", "推荐给我的物品是多样的。"
    ),
    Question(
        "explanation",
        "explanation",
        "The recommender explains why the items are recommended to me.",
        "这个推荐系统解释了为什么向我推荐这些物品。",
    ),
    Question(
        "transparency",
        "transparency",
        "I understood why the items were recommended to me.",
        "我明白这些物品为什么被推荐给我。",
    ),
    Question(
        "control",
        "control",
        "I feel in control of modifying my taste profile.",
        "我觉得自己能够掌控和修改我的喜好档案。",
    ),
    Question(
        "satisfaction",
        "satisfaction",
        "Overall, I am satisfied with the recommender.",
        "总体上，我对这个推荐系统满意。",
    ),
    Question("use-again", "intent", "I will use this recommender again.", "我会再次使用这个推荐系统。"),
    Question(
        "take",
        "intent",
        "I would take the items recommended, given the opportunity.",
        "如果有机会，我会选择推荐给我的物品。",
    ),
)
SCALE: Mapping[Language, tuple[str, ...]] = {
    "en": ("strongly disagree", "disagree", "neither", "agree", "strongly agree"),
    "zh": ("非常不同意", "不同意", "中立", "同意", "非常同意"),
}


class Response(BaseModel):
    """One filled-in form as it is stored: one line of JSON.

    Attributes:
        answers: 1 (strongly disagree) to 5 (strongly agree) per item; every item once.
        form: name and version of the questionnaire.
        created: UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: str = Field(min_length=1)
    created: datetime
    language: Language
    form: Literal["resque-9.v1"] = _FORM
    answers: dict[str, int]
    comment: str = Field("", max_length=2000)


@dataclass(frozen=True, slots=True)
class ConstructScore:
    """Mean agreement over people, 1–5.

    Attributes:
        low, high: 95 % interval by Student's t, cut at the scale's ends; None below two people, and where all
            said the same, which leaves nothing to estimate it from.
        n: people.
        agree: share of people whose value is above 3, 0–1.
    """

    construct: Construct
    mean: float
    low: float | None
    high: float | None
    n: int
    agree: float


@dataclass(frozen=True, slots=True)
class SurveySummary:
    """The questionnaire over everybody; of each person the newest form counts."""

    n_people: int
    n_responses: int
    scores: tuple[ConstructScore, ...]
    comments: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def check_answers(given: object) -> dict[str, int]:
    """The answers, in the order of the form.

    Args:
        given: a mapping of item key to 1–5 for every item.

    Raises:
        SettingsError: an item is missing or unknown, or a value is no whole number from 1 to 5.
    """
    keys = [question.key for question in QUESTIONS]
    if not isinstance(given, Mapping):
        raise SettingsError(f"expected answers such as {_example()}, got {given!r}")
    missing = [key for key in keys if key not in given]
    unknown = sorted(str(key) for key in given if key not in keys)
    if missing or unknown:
        raise SettingsError(
            f"expected one answer for each of {', '.join(keys)}; "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
    for key in keys:
        value = given[key]
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
            raise SettingsError(
                f"{key}: expected a whole number from 1 (strongly disagree) to 5, got {value!r}"
            )
    return {key: int(given[key]) for key in keys}


def parse_answers(text: str) -> dict[str, int]:
    """The answers of a JSON text, or of the JSON file it names.

    Raises:
        SettingsError: neither, or not the answers of this form.
    """
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except OSError:
            raise SettingsError(
                f"expected JSON such as {_example()}, or a file of it, got {text!r}"
            ) from None
    try:
        return check_answers(json.loads(text))
    except ValueError as error:
        raise SettingsError(f"expected JSON such as {_example()}: {error}") from None


def keep_response(
    root: Path, user_id: str, answers: Mapping[str, int], *, language: Language, comment: str = ""
) -> Response:
    """Appends one filled-in form to the workspace at `root` and gives it back.

    Raises:
        SettingsError: see `check_answers`; or no user id, or a comment of more than 2,000 characters.
    """
    try:
        response = Response(
            user_id=user_id,
            created=datetime.now(UTC),
            language=language,
            answers=check_answers(answers),
            comment=comment,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SettingsError(f"survey: {first['loc'][0]}: {first['msg']}, got {first['input']!r}") from None
    path = root / SURVEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(response.model_dump(mode="json"), ensure_ascii=False) + "\n"
    # One write of one line in append mode: two processes at once cannot mix their lines.
    with path.open("ab", buffering=0) as target:
        target.write(line.encode())
    return response


def load_responses(root: Path) -> list[Response]:
    """Every stored form of a workspace, oldest first; none before the first.

    Raises:
        DataError: a line that is no such form; names file and line.
    """
    path = root / SURVEY_FILE
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            response = Response.model_validate_json(line)
            check_answers(response.answers)
        except (ValidationError, SettingsError) as error:
            problem = str(error).splitlines()[0]
            raise DataError(f"{path}, line {number}: expected a survey response ({problem})") from None
        found.append(response)
    return found


def summarise(responses: Sequence[Response]) -> SurveySummary:
    """Means with Student intervals per construct; of each person the newest form counts."""
    newest = {response.user_id: response for response in sorted(responses, key=lambda entry: entry.created)}
    constructs = list(dict.fromkeys(question.construct for question in QUESTIONS))
    scores = tuple(_score(construct, newest.values()) for construct in constructs) if newest else ()
    comments = tuple(entry.comment for entry in newest.values() if entry.comment)
    return SurveySummary(len(newest), len(responses), scores, comments)


def _score(construct: Construct, people: Iterable[Response]) -> ConstructScore:
    keys = [question.key for question in QUESTIONS if question.construct == construct]
    values = [sum(person.answers[key] for key in keys) / len(keys) for person in people]
    n = len(values)
    mean = sum(values) / n
    agree = sum(value > 3 for value in values) / n
    if len(set(values)) < 2:
        return ConstructScore(construct, mean, None, None, n, agree)
    from scipy.stats import t

    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(t.ppf(0.975, n - 1)) * spread / math.sqrt(n)
    return ConstructScore(construct, mean, max(1.0, mean - half), min(5.0, mean + half), n, agree)


def _example() -> str:
    return json.dumps({question.key: 4 for question in QUESTIONS[:2]})[:-1] + ", …}"
