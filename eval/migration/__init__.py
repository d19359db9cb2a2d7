"""What the computed migration is worth: false alarms, planted changes, its description, adaptation."""
