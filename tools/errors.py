"""The one error that a set-up ends with."""


class SetupError(Exception):
    """One line for the person at the terminal: what is wrong, and what to do."""
