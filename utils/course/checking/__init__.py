"""`check`: an answer beside the reference, and what is wrong with it."""
