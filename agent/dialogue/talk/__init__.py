"""What a talk is made of: its host, state, phrases, answers, evidence, care."""
