"""The demonstration story: real flights, two libraries, one record."""
