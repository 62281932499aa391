"""Errors that are shown to the user without a traceback."""

__all__ = ["Refused"]


class Refused(Exception):
    """An input that the user has to correct. The message says what was given, what is allowed and what to do.

    Stages print the message alone and exit with status 1.
    """
