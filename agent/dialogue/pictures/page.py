"""The page around the drawings: story, changes with their evidence, change points, dislikes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from agent.dialogue.pictures.findings import note_text, verdict
from agent.dialogue.pictures.style import KIND_COLOURS, ROLES, stylesheet
from agent.dialogue.pictures.svg import Drawing, clean, document, mark, tag
from agent.dialogue.pictures.words import Words, counted, day_text, odds_text
from agent.interests.words import Language, percent
from agent.schema import Evidence, FacetChange, Migration

_MOST_STABLE = 8
_MOST_DAYS = 4
_MOST_TITLES = 3
_MOST_IDS = 6
_MOST_DISLIKES = 40
# Nothing but inline styles may load or run, whatever a title holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    ":root{color-scheme:light dark;--paper:%s;--ink:%s;--soft:%s;--rule:%s}"
    "@media(prefers-color-scheme:dark){:root{--paper:%s;--ink:%s;--soft:%s;--rule:%s}}"
    "body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;"
    "max-width:1000px;margin:24px auto;padding:0 16px;overflow-wrap:anywhere}"
    "h1{font-size:24px;margin:0}h2{font-size:17px;margin:28px 0 4px}"
    ".soft-text,summary,footer{color:var(--soft);font-size:13px}"
    "figure{margin:0;overflow-x:auto}.drawing svg{width:100%%;min-width:760px;height:auto;display:block}"
    "blockquote{margin:12px 0;padding:8px 16px;border-left:4px solid var(--rule);font-size:16px}"
    "table{border-collapse:collapse;width:100%%;font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--rule);vertical-align:top}"
    "td.n,th,td:first-child{white-space:nowrap}th{color:var(--soft);font-weight:normal;font-size:13px}td.n,th.n{text-align:right}"
    "td svg{width:11px;height:11px;margin-right:6px;vertical-align:-1px}ul{margin:4px 0;padding-left:20px}"
    "svg path:hover{filter:brightness(1.08)}footer{margin:32px 0}"
)


def draw_page(
    migration: Migration,
    words: Words,
    language: Language,
    *,
    heading: str,
    drawings: tuple[Drawing, Drawing | None, Drawing],
) -> str:
    """The page as HTML; `drawings` are stream, flow and legend."""
    stream, flow, legend = drawings
    body = [
        _element("h1", heading),
        _element("p", verdict(migration, words, language), class_="soft-text"),
        _story(migration, note_text(migration, words, language), words),
        _element("h2", words.stream),
        _figure(legend, words.stream) if legend.body else "",
        _figure(stream, words.stream),
    ]
    if flow is not None:
        body += [_element("h2", words.flow), _figure(flow, words.flow)]
    body += [_changes(migration, words), _change_points(migration, words), _dislikes(migration, words)]
    body.append(_element("footer", words.footer))
    light, dark = zip(*(ROLES[role] for role in ("paper", "ink", "soft", "rule")), strict=True)
    style = _STYLE % (*light, *dark) + stylesheet()
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"{_element('title', heading)}<style>{style}</style>"
    )
    tongue = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{tongue}">\n<head>{head}</head>\n<body>\n'
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _element(name: str, text: str, *, class_: str = "") -> str:
    """An element that holds text alone, escaped."""
    marks = f' class="{class_}"' if class_ else ""
    return f"<{name}{marks}>{escape(clean(text))}</{name}>"


def _figure(drawing: Drawing, label: str) -> str:
    return f'<figure class="drawing">{document(drawing, label=label, style=False, ground=False)}</figure>'


def _story(migration: Migration, said: str, words: Words) -> str:
    """The story and who worded it, then what is noted beside; `said` is the note in the page's language."""
    if not migration.story:
        return _element("p", said) if said and migration.changes else ""
    by_whom = (
        words.by_model.format(model=migration.model) if migration.worded_by == "model" else words.by_facts
    )
    note = ""
    if said and migration.note not in migration.story:
        note = _element("p", f"{words.note}: {said}")
    story = migration.story.replace(migration.note, said) if migration.note else migration.story
    story = escape(clean(story))
    return f"<blockquote>{story}<br>{_element('span', by_whom, class_='soft-text')}</blockquote>{note}"


def _changes(migration: Migration, words: Words) -> str:
    """Every change, and the largest interests that stayed."""
    moved = [change for change in migration.changes if change.kind != "stable"]
    stable = [change for change in migration.changes if change.kind == "stable"]
    stable.sort(key=lambda change: -max(change.share_before, change.share_after))
    rows = [_row(change, words) for change in [*moved, *stable[:_MOST_STABLE]]]
    if not rows:
        return ""
    heads = "".join(
        _element("th", name, class_="n" if spot > 1 else "") for spot, name in enumerate(words.columns)
    )
    return f"{_element('h2', words.changes)}<figure><table><tr>{heads}</tr>{''.join(rows)}</table></figure>"


def _row(change: FacetChange, words: Words) -> str:
    icon = tag(
        "svg", mark(change.kind, 0, 0, size=10, fill=KIND_COLOURS[change.kind][0]), viewBox="0 -2 10 12"
    )
    name = escape(clean(change.label))
    if change.crowd:
        name += f" {_element('span', f'({words.crowd})', class_='soft-text')}"
    name += _evidence(change, words)
    figures = (
        percent(change.share_before),
        percent(change.share_after),
        f"{change.effect:+.1f}".replace("-", "\N{MINUS SIGN}"),
        f"{change.p_value:.4f}",
        f"{change.q_value:.3f}",
    )
    cells = "".join(_element("td", figure, class_="n") for figure in figures)
    return f"<tr><td>{icon}{escape(words.kinds[change.kind])}</td><td>{name}</td>{cells}</tr>"


def _evidence(change: FacetChange, words: Words) -> str:
    """The cited days of both sides, folded; what is left out is counted."""
    if change.kind == "stable" or not (change.evidence_before or change.evidence_after):
        return ""
    sides = (
        _side(words.before, change.evidence_before, words),
        _side(words.after, change.evidence_after, words),
    )
    return f"<details><summary>{escape(words.evidence)}</summary><ul>{''.join(sides)}</ul></details>"


def _side(name: str, evidence: Sequence[Evidence], words: Words) -> str:
    days = []
    for entry in evidence[:_MOST_DAYS]:
        ids = ", ".join(f"#{number}" for number in entry.interaction_ids[:_MOST_IDS])
        ids += ", …" if len(entry.interaction_ids) > _MOST_IDS else ""
        days.append(_element("li", f"{entry.day}: {', '.join(entry.titles[:_MOST_TITLES])} ({ids})"))
    if len(evidence) > _MOST_DAYS:
        days.append(_element("li", counted(words.more, len(evidence) - _MOST_DAYS)))
    return f"<li>{escape(name)}<ul>{''.join(days)}</ul></li>" if days else ""


def _change_points(migration: Migration, words: Words) -> str:
    rows = [
        _element("li", f"{day_text(point.moment)}: {words.odds.format(odds=odds_text(point.log_odds))}")
        for point in migration.change_points
    ]
    return f"{_element('h2', words.change_points)}<ul>{''.join(rows)}</ul>" if rows else ""


def _dislikes(migration: Migration, words: Words) -> str:
    rows = [
        _element(
            "li",
            f"{day_text(entry.since)}: {entry.title} "
            f"({words.rated_low if entry.rated_low else words.rejected}, {words.dislike_kinds[entry.kind]})",
        )
        for entry in migration.dislikes[:_MOST_DISLIKES]
    ]
    if len(migration.dislikes) > _MOST_DISLIKES:
        rows.append(_element("li", f"… (+{len(migration.dislikes) - _MOST_DISLIKES})"))
    return f"{_element('h2', words.dislikes)}<ul>{''.join(rows)}</ul>" if rows else ""
