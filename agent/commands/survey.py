"""The questionnaire on the command line: asked item by item, or answered in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.commands.common import JsonOption, WorkspaceOption, print_json
from agent.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.dialogue.survey import SurveySummary
    from agent.interests.words import Language

_INTRO = {
    "en": "About the recommendations you have seen. How far do you agree? 1 {} … 5 {}.",
    "zh": "关于您看到的推荐：您在多大程度上同意？1 {} … 5 {}。",
}
_COMMENT = {"en": "Anything else (may stay empty)", "zh": "还有其他想说的吗（可以留空）"}
_THANKS = {"en": "Thank you. Kept in {}.", "zh": "谢谢。已保存在 {}。"}


def survey(
    user: Annotated[str | None, typer.Argument(help="Who answers; none with --summary or --form.")] = None,
    answers: Annotated[
        str | None, typer.Option(help='All answers as JSON or a file of it: {"accuracy": 4, …}.')
    ] = None,
    comment: Annotated[str, typer.Option(help="A remark, with --answers.")] = "",
    summary: Annotated[bool, typer.Option("--summary", help="Show what everybody said.")] = False,
    form: Annotated[bool, typer.Option("--form", help="Show the questionnaire.")] = False,
    language: Annotated[
        Literal["auto", "en", "zh"], typer.Option("--lang", help="auto: as the workspace says, else English.")
    ] = "auto",
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Ask a user nine short questions about the recommendations (ResQue), or sum up the answers."""
    if (user is not None) + summary + form != 1:
        raise typer.BadParameter("give a user, or --summary, or --form")
    from agent.workspace import Workspace

    place = Workspace.find(workspace)
    spoken = _language(language, place.settings_path)
    if form:
        _show_form(spoken, as_json=as_json)
    elif summary:
        from agent.dialogue.survey import load_responses, summarise

        _show_summary(summarise(load_responses(place.root)), as_json=as_json)
    else:
        assert user is not None, "one of the three was given"
        _answer(place.root, user, answers, comment, language=spoken, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(survey)


def _language(chosen: Literal["auto", "en", "zh"], settings: Path) -> Language:
    from agent.settings import load_settings

    wanted = load_settings(settings).llm.language if chosen == "auto" else chosen
    return "zh" if wanted == "zh" else "en"


def _answer(
    root: Path, user: str, answers: str | None, comment: str, *, language: Language, as_json: bool
) -> None:
    from agent.dialogue.survey import SURVEY_FILE, keep_response, parse_answers

    if answers is not None:
        given = parse_answers(answers)
    elif as_json:
        raise SettingsError("with --json nobody is asked: give --answers JSON; --form shows the questions")
    else:
        given, comment = _ask(language)
    response = keep_response(root, user, given, language=language, comment=comment)
    if as_json:
        print_json(response.model_dump(mode="json"))
        return
    from agent.console import say

    say(_THANKS[language].format(root / SURVEY_FILE))


def _ask(language: Language) -> tuple[dict[str, int], str]:
    from agent.console import say
    from agent.dialogue.survey import QUESTIONS, SCALE

    say(_INTRO[language].format(SCALE[language][0], SCALE[language][-1]))
    given = {}
    for number, question in enumerate(QUESTIONS, start=1):
        text = f"{number}/{len(QUESTIONS)} {question.text(language)}"
        given[question.key] = typer.prompt(text, value_proc=_one_to_five, err=True)
    comment = typer.prompt(_COMMENT[language], default="", show_default=False, err=True)
    return given, comment.strip()


def _one_to_five(text: str) -> int:
    """The number that was typed; anything else is asked again."""
    if text.strip() not in {"1", "2", "3", "4", "5"}:
        raise typer.BadParameter(f"expected a whole number from 1 to 5, got {text!r}")
    return int(text)


def _show_form(language: Language, *, as_json: bool) -> None:
    from agent.dialogue.survey import QUESTIONS, SCALE

    if as_json:
        rows = [
            {"key": question.key, "construct": question.construct, "text": question.text(language)}
            for question in QUESTIONS
        ]
        print_json({"scale": list(SCALE[language]), "questions": rows})
        return
    from agent.console import say

    say(_INTRO[language].format(SCALE[language][0], SCALE[language][-1]))
    for question in QUESTIONS:
        say(f"  {question.key}: {question.text(language)}")


def _show_summary(found: SurveySummary, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_dict())
        return
    from agent.console import say, show_table

    if not found.n_people:
        say("Nobody has answered yet: driftrec survey USER")
        return
    rows = [
        (
            score.construct,
            f"{score.mean:.2f}",
            "–" if score.low is None else f"{score.low:.2f} to {score.high:.2f}",
            f"{score.agree:.0%}",
            f"{score.n}",
        )
        for score in found.scores
    ]
    show_table(("construct", "mean of 5", "95 % interval", "agree", "people"), rows)
    say(f"{found.n_people} people, {found.n_responses} forms; of each person the newest counts.")
    if found.n_people < 20:
        say("With so few people the intervals say more than the means.")
    for comment in found.comments:
        say(f"  “{comment}”")
