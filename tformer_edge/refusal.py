"""The error of a model file that breaks a rule of docs/contract.md: it names the rule."""

from tformer_edge.errors import UserError

ADVICE = "copy the file again, or make it again with converters/to_tflite.py"


class Refusal(UserError):
    """A model file, or a part of one, that is not what docs/contract.md asks for.

    Attributes:
        rule: the name of the broken rule in docs/contract.md, the same in every language.
    """

    def __init__(self, rule: str, expected: str, received: str, advice: str = ADVICE) -> None:
        self.rule = rule
        super().__init__(expected, received, advice)

    def of_file(self, name: str) -> "Refusal":
        """The same refusal, saying which file it is about."""
        return Refusal(self.rule, self.expected, f"{self.received} in {name}", self.advice)
