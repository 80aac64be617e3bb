"""Examples, as a user would write them."""
