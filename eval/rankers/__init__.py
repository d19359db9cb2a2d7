"""Everything that is ranked and measured: baselines, our rows, the whole product."""
