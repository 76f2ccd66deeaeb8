"""`course serve`: the interface of OpenAI's clients, on this machine."""
