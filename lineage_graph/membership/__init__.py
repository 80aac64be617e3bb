"""Who is in which rows, kept outside the graph under a key that can be destroyed."""
