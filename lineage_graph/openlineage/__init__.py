"""OpenLineage: events of other producers in, what is recorded here out."""
