"""driftrec: recommendations that say how a person's interests have moved."""
