"""The one error that a user's mistake raises, on the device and on the training side alike."""


class UserError(ValueError):
    """Bad input from a user: the message is one sentence that says what was expected, received and what to do.

    Commands print the message alone and exit with code 2; it never reaches the user as a traceback.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its class where it has none, for a message of one sentence."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
