"""The one door to Spark: sessions that record, and the executor that runs plans again."""
