"""Text of a stranger's file on a terminal."""


def printable(text: str) -> str:
    """`text` with escapes for what is no printable character: control codes move cursors and change titles."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
