"""What a sentence says, before the workspace is asked: words, times, numbers, stance, and which tool."""
