"""`python -m eval report RUN`: one page that explains itself, with plots inside and no outside request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from eval.rankers.ours import FUSED
from eval.report.sections import render_overview, render_section
from eval.runs.summary import MAIN
from eval.runs.tables import headline, load_summary

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --paper: #ffffff; --soft: #f3f5f8; --line: #d6dbe3;
  --faint: #5d6776; --link: #0b57a4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14181e; --soft: #1d232c;
  --line: #38414e; --faint: #9aa5b5; --link: #8ec5ff; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1150px; margin: 2rem auto; padding: 0 1.2rem; }
a { color: var(--link); } h1 { font-size: 1.7rem; }
h2 { margin-top: 3rem; border-bottom: 2px solid var(--line); }
p.lead { font-size: 1.1rem; } .faint { color: var(--faint); font-size: .9rem; }
table { border-collapse: collapse; font-size: .88rem; display: block; overflow-x: auto; }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
thead th { background: var(--soft); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; }
td:first-child { background: var(--paper); } details td:first-child { background: var(--soft); }
td.note { white-space: normal; text-align: left; min-width: 20rem; }
tr.ours td:first-child, tr.product td:first-child { font-weight: 600; }
svg { width: 100%; height: auto; max-width: 850px; }
.narrow { display: none; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .name, svg .side { text-anchor: end; } svg .over { fill: var(--faint); }
svg .tick { text-anchor: middle; fill: var(--faint); }
svg .grid { stroke: var(--line); } svg .zero { stroke: var(--faint); stroke-dasharray: 4 3; }
svg .frame { fill: none; stroke: var(--line); } .small svg { max-width: 380px; }
.key span { display: inline-block; width: .8rem; height: .8rem; border-radius: 50%; margin: 0 .3rem 0 1rem; }
details { background: var(--soft); padding: .6rem 1rem; border-radius: .4rem; margin: 1rem 0; }
pre { overflow-x: auto; font-size: .8rem; }
@media (max-width: 700px) {
  body { padding: 0 .8rem; } .wide { display: none; } .narrow { display: block; }
  th:first-child, td:first-child { white-space: normal; min-width: 7rem; max-width: 9rem; } }
"""

_LEAD = (
    "Every way of ranking below learned from the same events before a moment T and was asked, for the same "
    "people, what they would take afterwards. The answers were locked away while they ran."
)
_WORDS = (
    ("row", "one way of ranking: a baseline, ours, or ours with a part taken out (ablation)"),
    ("baseline", "a known method, its settings chosen on time windows before T, never on the test"),
    (
        "T",
        "the moment that splits the data: everything before may be learned from, what comes after is asked",
    ),
    (MAIN, "how high in the first ten places the items stand that the person then took: 1 is perfect"),
    ("recall@50", "the share of those items found anywhere in the first fifty places"),
    ("95 % interval", "where the true mean lies, by resampling users; wider with fewer users"),
    (
        "better / worse",
        "said only when the interval of the difference, user by user, excludes 0 and Holm's p is below .05",
    ),
    ("Holm", "the p-value after correction for asking about many rows at once"),
    ("cold item", "first seen after T: nobody's history speaks for it, only its text can"),
    ("drifted", "users whose days before T changed beyond chance (whole days shuffled, p < .05)"),
    ("often / seldom repeats", "users above and below the middle in taking again what they had, before T"),
    ("ECE", "how far a stated probability is from what then happened, on average"),
)


def write_report(folder: Path) -> Path:
    """Writes `report.html` into a run's folder; its path."""
    path = folder / "report.html"
    path.write_text(render_report(load_summary(folder), name=folder.name), encoding="utf-8")
    return path


def render_report(summary: Mapping[str, Any], *, name: str) -> str:
    """The whole page."""
    manifest = summary["manifest"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>driftrec evaluation {escape(name)}</title><style>{_STYLE}</style></head><body>",
        "<h1>How well does driftrec recommend?</h1>",
        f'<p class="lead">{_LEAD} {escape(canary_sentence(summary["tables"]))}</p>',
        render_overview(summary["tables"], FUSED),
        _contents(summary["tables"]),
    ]
    for number, table in enumerate(summary["tables"]):
        parts.append(render_section(table, number))
    parts += [_glossary(), _manifest(manifest), "</body></html>"]
    return "\n".join(parts)


def canary_sentence(tables: Sequence[Mapping[str, Any]]) -> str:
    """What was planted and that no row listed it; empty for tables whose run does not say so."""
    planted = [table.get("canary") for table in tables]
    if not planted or not all(entry and entry["users"] > 0.5 for entry in planted):
        return ""
    share = min(entry["users"] for entry in planted if entry)
    whom = "everybody" if share == 1 else f"{share:.0%} of the people"
    text = (
        f"An item that only a look into the future could find was planted in the future of {whom}, and no "
        "row ranked it: one that does ends the run."
    )
    if any(entry and entry.get("without") for entry in planted):
        text += (
            " Rows of the whole product cannot show it, as it has no title; what guards them is that "
            "they are given files that end at T."
        )
    return text


def _contents(tables: Sequence[Mapping[str, Any]]) -> str:
    links = [f'<li><a href="#t{n}">{escape(headline(table))}</a></li>' for n, table in enumerate(tables)]
    return f"<ul>{''.join(links)}<li><a href='#words'>What the words mean</a></li></ul>"


def _glossary() -> str:
    rows = "".join(f"<dt><b>{escape(word)}</b></dt><dd>{escape(text)}</dd>" for word, text in _WORDS)
    return f'<h2 id="words">What the words mean</h2><dl>{rows}</dl>'


def _manifest(manifest: Mapping[str, Any]) -> str:
    lines = "\n".join(_flat(manifest))
    return f"<h2>How to do it again</h2><pre>{escape(lines)}</pre>"


def _flat(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(
                part, f"{prefix}{name}: " if not isinstance(part, Mapping) else f"{prefix}{name} / "
            )
    else:
        yield f"{prefix}{value}"
