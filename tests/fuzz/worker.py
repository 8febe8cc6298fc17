"""A batch of mutations in a process of its own: JSON lines on standard output, one a mutation.

python -m tests.fuzz.worker SEEDS_FOLDER SEED FIRST COUNT
"""

import json
import sys
from pathlib import Path

from tests.fuzz.judge import judge
from tests.fuzz.mutations import make
from tests.fuzz.seeds import read_seeds
from tformer_edge.memory import peak_bytes


def main(folder: str, seed: str, first: str, count: str) -> int:
    seeds = read_seeds(Path(folder))
    before = peak_bytes() or 0
    for number in range(int(first), int(first) + int(count)):
        mutated = make(number, int(seed), seeds)
        verdict = judge(mutated)
        line = {"number": number, "region": mutated.region, "outcome": verdict.outcome}
        line |= {"accepted": verdict.accepted, "violation": verdict.violation}
        line["grown"] = (peak_bytes() or 0) - before
        print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
