"""The one error a user is meant to see."""


class InputError(ValueError):
    """What the user gave is wrong.

    Commands print the message, without a traceback, and exit with code 2. A message says what
    was given (with the file or id), what is allowed and what to do.
    """
