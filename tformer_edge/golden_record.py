"""What `model.json` says about one golden vector."""

from dataclasses import dataclass
from typing import Any

from tformer_edge.json_fields import digest, get, integer, text, wrong


@dataclass(frozen=True)
class GoldenRecord:
    """What `model.json` says about one golden vector.

    Attributes:
        name: what it is, for people.
        input_sha256, output_sha256: of the bytes of `golden/N.in` and `golden/N.out`.
        xnnpack_difference: the largest difference between `golden/N.out` (LiteRT's reference kernels) and the
            output under XNNPACK that the exporter saw: in units of the last place for an integer output (a
            whole number, 0 to 255), absolute for a float32 one.
        answer_sha256: of what `golden/N.out` says (docs/contract.md, "Golden answers"); None for a classifier.
    """

    name: str
    input_sha256: str
    output_sha256: str
    xnnpack_difference: float
    answer_sha256: str | None = None

    def check(self, where: str, output_type: str) -> None:
        """Refuses values out of range; `where` names the record."""
        text(self.name, f"{where}.name")
        digest(self.input_sha256, f"{where}.input_sha256")
        digest(self.output_sha256, f"{where}.output_sha256")
        if self.answer_sha256 is not None:
            digest(self.answer_sha256, f"{where}.answer_sha256")
        value, name = self.xnnpack_difference, f"{where}.xnnpack_difference"
        if output_type != "float32":
            integer(value, name, 0, 255)
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise wrong(name, "a number of at least 0", value)

    def to_json(self) -> dict[str, Any]:
        """What stands in `model.json`."""
        found = {
            "name": self.name,
            "input_sha256": self.input_sha256,
            "output_sha256": self.output_sha256,
            "xnnpack_difference": self.xnnpack_difference,
        }
        return found if self.answer_sha256 is None else found | {"answer_sha256": self.answer_sha256}


def parse_record(record: Any, index: int, answers: bool) -> GoldenRecord:
    """`golden[index]` of a `model.json`; `answers`: whether one of its task has an answer's SHA-256."""
    where = f"golden[{index}]"
    if not isinstance(record, dict):
        raise wrong(where, "an object", record)
    return GoldenRecord(
        name=get(record, "name", str, f"{where}."),
        input_sha256=get(record, "input_sha256", str, f"{where}."),
        output_sha256=get(record, "output_sha256", str, f"{where}."),
        xnnpack_difference=get(record, "xnnpack_difference", (int, float), f"{where}."),
        answer_sha256=get(record, "answer_sha256", str, f"{where}.") if answers else None,
    )
