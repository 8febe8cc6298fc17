"""The table of a fuzz run: a line a region, with what refused its mutations."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.fuzz.mutations import REGIONS


def table(results: Iterable[dict[str, Any]]) -> str:
    """Text of 140 columns: region, mutations, accepted, refused, and the outcomes with their counts."""
    by_region: dict[str, Counter[tuple[bool, str]]] = {region: Counter() for region in REGIONS}
    for one in results:
        by_region[one["region"]][one["accepted"], one["outcome"]] += 1
    by_region["all"] = sum(by_region.values(), Counter())
    lines = [f"{'region':<26}{'mutations':>10}{'accepted':>10}{'refused':>9}   outcomes"]
    for region, counts in by_region.items():
        total = sum(counts.values())
        accepted = sum(count for (taken, _), count in counts.items() if taken)
        row = f"{region:<26}{total:>10,}{accepted:>10,}{total - accepted:>9,}   "
        if region == "all":
            lines.append(row.rstrip())
            continue
        words = [f"{outcome} {count:,}" for (_, outcome), count in counts.most_common()]
        indent = " " * len(row)
        for word in words:
            if len(row) + len(word) > 140:
                lines.append(row.rstrip(" "))
                row = indent
            row += f"{word}; "
        lines.append(row.rstrip("; "))
    return "\n".join(lines)
