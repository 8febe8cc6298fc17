"""The one error that a user's mistake raises, on the device and on the training side alike."""

from typing import Any


class UserError(Exception):
    """Bad input from a user: one sentence that says what was expected, what was received and what to do.

    Commands print the sentence alone and exit with code 2; it never reaches the user as a traceback.

    Args:
        expected: what would have been right, for example "a folder of images".
        received: what was given instead, for example "the file photos.zip".
        advice: what to do, for example "unpack it".
        where: the option, field or file that the sentence is about, or nothing.

    The sentence is "WHERE: expected EXPECTED, received RECEIVED; ADVICE", without a full stop.
    """

    def __init__(self, expected: str, received: str, advice: str, *, where: str = "") -> None:
        self.expected, self.received, self.advice, self.where = expected, received, advice, where
        sentence = f"expected {expected}, received {received}; {advice}"
        super().__init__(f"{where}: {sentence}" if where else sentence)

    @classmethod
    def relayed(cls, sentence: str) -> "UserError":
        """An error whose sentence another process has composed."""
        error = UserError(sentence, "", "")
        error.args = (sentence,)
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return UserError.relayed, (str(self),)


class Failure(Exception):
    """Work that failed although the input was right, in one sentence. Commands print it and exit with code 1."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its class where it has none, for a message of one sentence."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
