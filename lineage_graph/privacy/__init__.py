"""Personal data: what columns hold, what follows from it downstream, and who is affected."""
