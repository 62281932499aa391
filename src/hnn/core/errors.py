"""Errors that are for a person."""

__all__ = ["Refused"]


class Refused(Exception):
    """What was given, what is allowed, what to do: stages show it as it stands, without a traceback, and exit with 1."""
