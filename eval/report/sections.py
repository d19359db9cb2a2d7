"""The sections of the report: one table's accuracy, differences, groups, cold items, confidence and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.report.plots import COLOURS, Mark, interval_plot, reliability_plot
from eval.runs.added import ADDED_TEXT, COST_HEAD, GAIN_HEAD, costs, gains
from eval.runs.protocol import AGAIN, FIRST_TIME
from eval.runs.summary import MAIN
from eval.runs.tables import figure, headline, sentences, setting, sorted_rows, with_interval

_BEYOND = (
    ("novelty", "novelty, bits", 2),
    ("diversity", "diversity", 3),
    ("serendipity", "serendipity", 4),
    ("popularity lift", "popularity lift", 2),
    ("facet distance", "distance from the person's facets", 3),
)
_BEYOND_TEXT = (
    "Coverage: share of all items shown to somebody. Concentration: 0 all items shown alike, 1 a few shown "
    "to all. Novelty: how few people know the listed items. Popularity lift: how much more popular the list "
    "is than the person's own history. Distance: how far the list's mix of interests is from the person's."
)
# Of each known data set, what somebody who has never seen it needs to know to read its figures.
_ABOUT = {
    "grocery": "What 2,469 households bought in a chain of shops in 2017 (Complete Journey, 84.51°).",
    "movietweetings-100k": "Films that people rated in public on Twitter, mostly just after they came out.",
    "movielens-2016": "Films that people rated on a site, most of them in one sitting: time says little.",
    "smoke": "Made up, with two planted tastes: it shows that the machinery works, no more.",
}
_MORE = ("recall@10", "precision@10", "F1@10", "hit rate@10", "MRR@10", "MAP@10")


def render_section(table: Mapping[str, Any], number: int) -> str:
    """Everything about one table, as HTML."""
    ran = [row for row in sorted_rows(table) if row["status"] == "ran"]
    parts = [
        f'<h2 id="t{number}">{escape(headline(table))}</h2>',
        f'<p class="faint">{escape(_ABOUT.get(table["data"], ""))} {escape(setting(table))}.</p>',
        "<h3>In brief</h3>",
        _brief(table, ran),
        "<h3>Accuracy</h3>",
        _key(),
        _wide([_mark(row) for row in ran], title=f"{MAIN} of every row, {headline(table)}"),
        _accuracy(ran),
        _differences(table),
        _groups(table, ran),
        _added(table),
        _consumption(ran),
        _cold(table, ran),
        _beyond(ran),
        _confidence(ran),
        _ratings(table),
        _speed(ran),
        _absent(table),
        _notes(ran),
    ]
    return "\n".join(part for part in parts if part)


def render_overview(tables: Sequence[Mapping[str, Any]], ours: str) -> str:
    """One line per table: the row named `ours` beside the best baseline, as HTML; empty where none has it."""
    rows = []
    for table in tables:
        entry = next((e for e in table["comparisons"] if e["row"] == ours and e["mean"] is not None), None)
        if entry is None:
            continue
        value = {row["name"]: row["metrics"].get(MAIN) for row in table["rows"]}
        gap = f"{entry['mean']:+.4f} ({entry['low']:+.4f} to {entry['high']:+.4f})"
        both = [with_interval(value[name]) for name in (ours, table["reference"])]
        rows.append([headline(table), both[0], f"{table['reference']}: {both[1]}", gap, entry["verdict"]])
    if not rows:
        return ""
    head = ["data", f"ours ({ours})", "best baseline", "difference (95 %)", "ours is"]
    text = (
        f"{MAIN}: how high the wanted items stand in the first ten places; 1 is perfect, 0 is none of them."
    )
    return _part("In one table", text, _html_table(head, rows))


def _brief(table: Mapping[str, Any], ran: Sequence[Mapping[str, Any]]) -> str:
    if not ran:
        return "<p>No row ran.</p>"
    lines = list(sentences(table))
    reference = escape(str(table["reference"]))
    chosen = (
        f"<p>The reference is <b>{reference}</b>, the baseline that did best on these very people: a choice "
        "in favour of the baselines.</p>"
        if reference
        else ""
    )
    return chosen + "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _key() -> str:
    names = {
        "baseline": "baseline",
        "ours": "ours",
        "ablation": "ours, a part taken out",
        "product": "product",
    }
    dots = [f'<span style="background:{COLOURS[group]}"></span>{text}' for group, text in names.items()]
    return f'<p class="key faint">{"".join(dots)}. Dot: mean; line: 95 % interval.</p>'


def _mark(row: Mapping[str, Any], metric: str = MAIN) -> Mark:
    entry = row["metrics"][metric]
    mean = entry["mean"] or 0.0
    low, high = (mean if entry.get(end) is None else entry[end] for end in ("low", "high"))
    return Mark(row["name"], mean, low, high, row["group"])


def _wide(marks: Sequence[Mark], *, title: str, zero: bool = False) -> str:
    """The plot twice, of which a page shows the one for its width: shrunk, the words could not be read."""
    if not marks:
        return ""
    wide, narrow = (interval_plot(marks, title=title, zero=zero, narrow=small) for small in (False, True))
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def _accuracy(ran: Sequence[Mapping[str, Any]]) -> str:
    names = (MAIN, "recall@50", *_MORE)
    rows = [
        [
            row["name"],
            *(
                with_interval(row["metrics"].get(name))
                if name in (MAIN, "recall@50")
                else figure((row["metrics"].get(name) or {"mean": None})["mean"])
                for name in names
            ),
        ]
        for row in ran
    ]
    return _html_table(["row", *names], rows, classes=[row["group"] for row in ran])


def _differences(table: Mapping[str, Any]) -> str:
    if not table["comparisons"]:
        return ""
    entries = sorted(table["comparisons"], key=lambda entry: -(entry["mean"] or 0.0))
    groups = {row["name"]: row["group"] for row in table["rows"]}
    marks = [
        Mark(e["row"], e["mean"], e["low"], e["high"], groups[e["row"]])
        for e in entries
        if e["mean"] is not None
    ]
    rows = [
        [
            e["row"],
            e["verdict"],
            f"{e['mean']:+.4f}",
            f"{e['low']:+.4f} to {e['high']:+.4f}",
            "–" if e["relative"] is None else f"{e['relative']:+.1%}",
            f"{e['p']:.4f}",
            f"{e['holm']:.4f}",
            figure(e["detectable"]),
            f"{e['users_needed']:,}",
        ]
        for e in entries
        if e["mean"] is not None
    ]
    head = ["row", "verdict", "difference", "95 %", "relative", "p", "Holm", "detectable", "users needed"]
    title = f"Difference in {MAIN} from {table['reference']}, user by user"
    return (
        f"<h3>Against the best baseline</h3><p class='faint'>{escape(title)}.</p>"
        + _wide(marks, title=title, zero=True)
        + _html_table(head, rows)
    )


def _groups(table: Mapping[str, Any], ran: Sequence[Mapping[str, Any]]) -> str:
    names = [name for name, n in table["users"].items() if n]
    rows = [[row["name"], *(figure(row["groups"].get(name)) for name in names)] for row in ran]
    head = ["row", *(f"{name} ({table['users'][name]:,})" for name in names)]
    told = _group_rows(table["by_group"])
    extra = _html_table(["group", "row", "difference from the reference", "Holm", "verdict"], told)
    details = f"<details><summary>Differences by group</summary>{extra}</details>"
    text = f"Mean {MAIN} by group of people, number of people in brackets."
    return _part("Who it works for", text, _html_table(head, rows) + details)


def _group_rows(entries: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [
            entry["group"],
            entry["row"],
            f"{entry['mean']:+.4f} ({entry['low']:+.4f} to {entry['high']:+.4f})",
            f"{entry['holm']:.4f}",
            entry["verdict"],
        ]
        for entry in entries
        if entry["mean"] is not None
    ]


def _added(table: Mapping[str, Any]) -> str:
    """What the model adds to the whole product, for whom, and what a list then takes."""
    gained = gains(table)
    if not gained:
        return ""
    body = _html_table(list(GAIN_HEAD), gained) + _html_table(list(COST_HEAD), costs(table))
    return _part("What a language model adds to the whole product", ADDED_TEXT, body)


def _consumption(ran: Sequence[Mapping[str, Any]]) -> str:
    """The same lists against what people had taken before, and against what they had not."""
    names = [f"{part}: {MAIN}" for part in (AGAIN, FIRST_TIME)]
    if not any(name in row["metrics"] for row in ran for name in names):
        return ""
    rows = [[row["name"], *(with_interval(row["metrics"].get(name)) for name in names)] for row in ran]
    text = (
        f"{MAIN} of one list, once with the items wanted that the person had before T, once with the others."
    )
    head = ["row", "taken again", "taken for the first time"]
    return _part("Again, or for the first time", text, _html_table(head, rows))


def _cold(table: Mapping[str, Any], ran: Sequence[Mapping[str, Any]]) -> str:
    if not table["cold_items"]:
        return ""
    told = [n for n in ("cold: recall@50", "cold: recall@10") if any(n in row["metrics"] for row in ran)]
    metrics = ("cold: NDCG@10", *told[:1])
    rows = [[row["name"], *(with_interval(row["metrics"].get(name)) for name in metrics)] for row in ran]
    asked = max((row["metrics"].get(metrics[0], {"n": 0})["n"] for row in ran), default=0)
    text = (
        f"{table['cold_items']:,} such items, ranked among themselves for the {asked:,} people who took one; "
        "the row random is chance."
    )
    if "cold: recall@50" not in told:
        text += f" No recall@50: of {table['cold_items']:,} items any order finds all in fifty places."
    return _part("Items nobody had before T", text, _html_table(["row", *metrics], rows))


def _beyond(ran: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for row in ran:
        cells = [
            figure((row["metrics"].get(name) or {"mean": None})["mean"], digits=digits)
            for name, _, digits in _BEYOND
        ]
        shared = [figure(row["figures"].get(name), digits=2) for name in ("coverage", "concentration")]
        rows.append([row["name"], *shared, *cells])
    head = ["row", "coverage", "concentration", *(label for _, label, _ in _BEYOND)]
    return _part("Beyond hits", _BEYOND_TEXT, _html_table(head, rows))


def _confidence(ran: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for row in ran:
        if row["reliability"] and row["group"] in ("ours", "product"):
            error = figure(row["figures"].get("ECE"), digits=3)
            plot = reliability_plot(row["reliability"], title=f"Reliability of {row['name']}")
            parts.append(f"<p>{escape(row['name'])}: expected calibration error {error}.</p>")
            parts.append(f"<div class='small'>{plot}</div>")
    if not parts:
        return ""
    text = (
        "Each point is a tenth of the listed items. On the dashed line, items stated at 10 % are taken by "
        "one person in ten."
    )
    return _part("Does the confidence mean what it says?", text, "".join(parts))


def _ratings(table: Mapping[str, Any]) -> str:
    if not table.get("ratings"):
        return ""
    rows = [
        [entry["name"], figure(entry["rmse"], digits=3), figure(entry["mae"], digits=3), f"{entry['n']:,}"]
        for entry in table["ratings"]
    ]
    text = "Ratings after T of known people and items, predicted. It says little about lists: see above."
    return _part("Predicting ratings", text, _html_table(["predictor", "RMSE", "MAE", "ratings"], rows))


def _speed(ran: Sequence[Mapping[str, Any]]) -> str:
    names = (
        "fit s",
        "rank s",
        "p50 ms",
        "p95 ms",
        "tokens",
        "degraded",
        "users without a list",
        "users failed",
    )
    digits = {"fit s": 1, "rank s": 1, "p50 ms": 1, "p95 ms": 1}
    rows = [
        [row["name"], *(figure(row["figures"].get(name), digits=digits.get(name, 0)) for name in names)]
        for row in ran
    ]
    text = "Milliseconds are of single calls; people without a list count as zeros in every figure above."
    return _part("What it costs", text, _html_table(["row", *names], rows))


def _absent(table: Mapping[str, Any]) -> str:
    rows = [[row["name"], row["status"], row["note"]] for row in table["rows"] if row["status"] != "ran"]
    if not rows:
        return ""
    return f"<h3>What did not run</h3>{_html_table(['row', 'status', 'why'], rows, note_column=2)}"


def _notes(ran: Sequence[Mapping[str, Any]]) -> str:
    rows = [[row["name"], row["note"]] for row in ran if row["note"]]
    body = _html_table(["row", "choice"], rows, note_column=1)
    return f"<details><summary>What was chosen for each row, and on what</summary>{body}</details>"


def _part(title: str, text: str, body: str) -> str:
    return f"<h3>{escape(title)}</h3><p class='faint'>{escape(text)}</p>{body}"


def _html_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    classes: Sequence[str] = (),
    note_column: int | None = None,
) -> str:
    if not rows:
        return ""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = []
    for place, row in enumerate(rows):
        kind = f' class="{escape(classes[place])}"' if classes else ""
        texts = (
            f'<td class="note">{escape(str(cell))}</td>'
            if spot == note_column
            else f"<td>{escape(str(cell))}</td>"
            for spot, cell in enumerate(row)
        )
        body.append(f"<tr{kind}>{''.join(texts)}</tr>")
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(body)}</tbody></table>"
