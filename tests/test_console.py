"""What the command line prints stands there as it is."""

from __future__ import annotations

from agent.console import heading, progress_bars, say, show_table

TITLE = "Root :beer: [bold]case[/bold] :smile:"


def test_texts_are_not_read_as_markup_or_pictures(capsys):
    say(TITLE)
    show_table(("item",), [(TITLE,)], title=TITLE)
    heading(TITLE)
    with progress_bars() as progress:
        progress(TITLE, 1, 2)
    shown = capsys.readouterr()
    assert shown.out.count(TITLE) == 4
    assert shown.err.startswith(TITLE)
