"""Errors that are shown to the user without a traceback."""

__all__ = ["CorruptFile", "MissingFile", "NotFollowed", "Refused"]


class Refused(Exception):
    """An input that the user has to correct. The message says what was given, what is allowed and what to do.

    Stages print the message alone and exit with status 1.
    """


class CorruptFile(Refused):
    """A file that is not what its kind has to be. The message names the file, what is wrong and what restores it."""


class MissingFile(Refused, FileNotFoundError):
    """A file that is not there. The message says what makes it."""


class NotFollowed(Refused):
    """A motion that an integrator cannot follow: its steps become too short, or it takes too many evaluations of the field."""
