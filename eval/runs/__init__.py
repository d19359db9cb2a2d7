"""A run of the harness: rows on data sets, kept as they come, summed up, compared, as tables."""
