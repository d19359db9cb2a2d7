"""Words from a language model, checked against the facts it was given; where it fails, the facts speak."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import LlmError
from agent.interests.story_check import check_story
from agent.interests.summary_check import check_summary
from agent.interests.words import (
    FacetExamples,
    FacetWords,
    Language,
    closing_sentences,
    join_sentences,
    percent,
    story_from_facts,
    summary_from_facts,
    told_changes,
    window_phrases,
)
from agent.llm.backend import Backend, Completion, LlmRequest
from agent.llm.prompts import Prompt, render
from agent.schema import FacetChange, Migration, Profile

_MAX_LABEL = 40
_MAX_DESCRIPTION = 120
_SUMMARY_FACETS = 5
_MAIN_SHARE = 0.5
_TITLES_ASKED = 8
_TELLINGS = 2  # told once, retold once
_COVERS_MOST = 0.4
_COVERS_SOME = 0.2
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_NO_CLAIM = frozenset(
    "and or for of the a an with other misc miscellaneous products items food foods".split()
)

Progress = Callable[[int, int | None], None]

LABEL_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "minLength": 2, "maxLength": _MAX_LABEL},
        "description": {"type": "string", "minLength": 2, "maxLength": _MAX_DESCRIPTION},
    },
    "required": ["label", "description"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Names facets, sums up profiles and tells migrations: by a model where there is one, else from facts.

    Attributes:
        backend: None for deterministic wording.
        language: of the words.
    """

    backend: Backend | None
    language: Language

    @property
    def model(self) -> str:
        """Name of the model, `none` without one."""
        return self.backend.name if self.backend else "none"

    def name_facets(
        self,
        examples: Mapping[str, FacetExamples],
        fallback: Mapping[str, FacetWords],
        *,
        progress: Progress | None = None,
    ) -> tuple[dict[str, FacetWords], str]:
        """Words for the facets of `examples`, and a note when the model failed on the way.

        A facet whose label does not follow from its items keeps its `fallback`, with a mark of who was asked;
        after a failure of the backend itself the rest is not asked any more.
        """
        words: dict[str, FacetWords] = {}
        note = ""
        for done, (key, entry) in enumerate(examples.items()):
            words[key] = fallback[key]
            if not note:
                words[key], note = self._name_facet(entry, fallback[key])
            if progress:
                progress(done + 1, len(examples))
        return words, note

    def _name_facet(self, examples: FacetExamples, fallback: FacetWords) -> tuple[FacetWords, str]:
        if self.backend is None:
            return fallback, ""
        prompt = self.label_prompt(examples)
        completion = self.ask_label(examples)
        if completion.finish_reason == "error":
            return fallback, completion.note
        tried = dataclasses.replace(fallback, asked=self.model)
        if completion.data is None:
            return tried, ""
        label = tidy_label(str(completion.data["label"]))
        description = str(completion.data["description"]).strip()
        if len(description) >= _MAX_DESCRIPTION:  # cut off by the schema in the middle of a word
            description = fallback.description
        if not label_follows(label, examples):
            return tried, ""
        words = FacetWords(label, description, "model", prompt.hash, completion.model)
        return dataclasses.replace(words, asked=self.model), ""

    def summarise(self, profile: Profile) -> Profile:
        """`profile` with a summary in words; from the facts when there is no model or it strays."""
        plain = dataclasses.replace(
            profile, summary=summary_from_facts(profile.facets, self.language), worded_by="facts"
        )
        if self.backend is None or not profile.facets:
            return plain
        lead = profile.facets[:_SUMMARY_FACETS]
        prompt = self.summary_prompt(profile)
        completion = self._ask(prompt, "summary", max_output_tokens=120)
        text = check_summary(" ".join(completion.text.split()), lead, self.language)
        if completion.finish_reason != "stop" or not text:
            why = completion.note or "the model's summary did not follow from the facets"
            note = f"{profile.note} Summary worded from facts: {why}.".strip()
            return dataclasses.replace(plain, prompt_hash=prompt.hash, model=self.model, note=note)
        note = f"{profile.note} {_who_worded(completion)}".strip()
        return dataclasses.replace(
            profile, summary=text, worded_by="model", prompt_hash=prompt.hash, model=self.model, note=note
        )

    def tell(self, migration: Migration) -> Migration:
        """`migration` with its story: told, checked, retold once, then replaced by the facts, marked.

        What is the crowd's, what comes with the season and which times are compared is added to the model's
        sentences, not asked of it.
        """
        plain = dataclasses.replace(
            migration, story=story_from_facts(migration, self.language), worded_by="facts"
        )
        moved = told_changes(migration)
        if self.backend is None or migration.abstained or not moved:
            return plain
        closing = closing_sentences(migration, self.language)
        periods = window_phrases(migration, self.language)
        prompt = self.story_prompt(moved)
        rejected: list[str] = []
        for telling in range(_TELLINGS):
            completion = self._ask(
                prompt,
                "story",
                schema=story_schema(moved),
                max_output_tokens=60 * len(moved) + 40,
                temperature=0.0 if telling == 0 else 0.7,
                seed=telling,
            )
            if completion.data is None:
                rejected.append(completion.note or "the model gave no usable answer")
                continue
            sentences = [str(sentence).strip() for sentence in completion.data["sentences"]]
            story = join_sentences([*sentences, *closing], self.language)
            problems = check_story(story, migration.changes, self.language, periods=periods)
            if not problems:
                return dataclasses.replace(
                    migration,
                    story=story,
                    worded_by="model",
                    rejected=tuple(rejected),
                    prompt_hash=prompt.hash,
                    model=self.model,
                    note=f"{migration.note} {_who_worded(completion)}".strip(),
                )
            rejected.append(f"{story} [{'; '.join(problems)}]")
        return dataclasses.replace(plain, rejected=tuple(rejected), prompt_hash=prompt.hash, model=self.model)

    def label_prompt(self, examples: FacetExamples) -> Prompt:
        """The question for the name of one facet."""
        return self._render(
            "facet_label.v2",
            items=list(examples.titles[:_TITLES_ASKED]),
            categories=_main_categories(examples),
            domain=examples.domain,
        )

    def ask_label(self, examples: FacetExamples) -> Completion:
        """The model's answer to `label_prompt`, unchecked; `finish_reason` is `error` when it failed."""
        return self._ask(
            self.label_prompt(examples), "facet_label", schema=LABEL_SCHEMA, max_output_tokens=80
        )

    def summary_prompt(self, profile: Profile) -> Prompt:
        """The question for the summary of a profile."""
        return self._render(
            "profile_summary.v1",
            facets=[
                {"label": facet.label, "share": percent(facet.share), "since": f"{facet.first_seen:%Y-%m}"}
                for facet in profile.facets[:_SUMMARY_FACETS]
            ],
        )

    def story_prompt(self, moved: Sequence[FacetChange]) -> Prompt:
        """The question for the story of some changes."""
        return self._render("migration_story.v1", changes=[_story_fact(change) for change in moved])

    def _render(self, name: str, **variables: Any) -> Prompt:
        return render(f"{name}.zh" if self.language == "zh" else name, **variables)

    def _ask(
        self,
        prompt: Prompt,
        stage: str,
        *,
        schema: Mapping[str, Any] | None = None,
        max_output_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Completion:
        """The completion; a failed backend gives an empty one with `finish_reason="error"` and the reason."""
        if self.backend is None:
            raise ValueError("no backend to ask; the caller words from facts")
        request = LlmRequest(
            system=prompt.system,
            user=prompt.user,
            stage=stage,
            schema=schema,
            max_output_tokens=max_output_tokens,
            temperature=temperature,
            seed=seed,
            prompt_hash=prompt.hash,
        )
        try:
            return self.backend.complete(request)
        except LlmError as error:
            return Completion("", self.model, finish_reason="error", degraded=True, note=str(error))


def _who_worded(completion: Completion) -> str:
    """That another model of the chain than the first gave the words, and why; empty when it was the first."""
    return f"About the words: {completion.note}." if completion.degraded and completion.note else ""


def _main_categories(examples: FacetExamples) -> list[str]:
    """The category that most of the facet shares, else its two most frequent.

    Given two, small models name both ("Crime and comedy") where one is the thing: on 40 groups of known
    category the 0.5B's names came nearer to it with one (MiniLM cosine .82 against .74).
    """
    first = examples.categories[:1]
    shared = first and first[0][1] >= _MAIN_SHARE * max(examples.n_interactions, 1)
    return [name for name, _ in (first if shared else examples.categories[:2])]


def _story_fact(change: FacetChange) -> dict[str, str]:
    return {
        "label": change.label,
        "kind": change.kind,
        "before": percent(change.share_before),
        "after": percent(change.share_after),
    }


def story_schema(changes: Sequence[FacetChange]) -> dict[str, Any]:
    """The schema of a story: one sentence per change."""
    return {
        "type": "object",
        "properties": {
            "sentences": {
                "type": "array",
                "items": {"type": "string", "minLength": 8, "maxLength": 160},
                "minItems": len(changes),
                "maxItems": len(changes),
            }
        },
        "required": ["sentences"],
        "additionalProperties": False,
    }


def tidy_label(label: str) -> str:
    """A model's label as it is shown: one line, no quotes or stops around it, a capital first."""
    tidy = " ".join(label.split()).strip(" .,:;\"'“”。，")
    return tidy[:1].upper() + tidy[1:]


def _stems(text: str) -> set[str]:
    """Word beginnings of Latin text, bigrams of Chinese: enough to tell whether two texts share a thing."""
    stems = {word[:4].casefold() for word in _WORD.findall(text) if not _HAN.search(word)}
    stems -= {word[:4] for word in _NO_CLAIM}
    for run in re.findall(r"[\u3400-\u9fff]+", text):
        stems |= {run[spot : spot + 2] for spot in range(max(len(run) - 1, 1))}
    return stems


def label_follows(label: str, examples: FacetExamples) -> bool:
    """Whether a label speaks of its items: of most of them, and of no small part as if it were the whole.

    A word of the label that occurs in titles or categories must cover a fifth of the facet's activity, one
    of them two fifths; words that occur in none are the model's own and allowed beside those. A label that
    says a word twice is none.
    """
    if not 2 <= len(label) <= _MAX_LABEL or "\n" in label:
        return False
    words = [word[:4].casefold() for word in _WORD.findall(label) if not _HAN.search(word)]
    if len(words) != len(set(words)):
        return False
    total = max(examples.n_interactions, 1)
    covered = [
        max(
            sum(count for title, count in examples.titles if stem in _stems(title)),
            sum(count for name, count in examples.categories if stem in _stems(name)),
        )
        / total
        for stem in _stems(label)
    ]
    known = [part for part in covered if part > 0]
    return bool(known) and max(known) >= _COVERS_MOST and min(known) >= _COVERS_SOME
