"""The one error that a command raises on purpose; it is told on stderr, with exit status 1."""


class CommandFailed(Exception):
    """The command cannot do what was asked; the text is for the person at the terminal."""
