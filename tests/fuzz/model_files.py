"""Damages model files in thousands of ways and proves that each ends in a refusal or in a right answer.

Batches run in child processes. A run that is stopped goes on where it was with the same command; code that has changed
makes a new run. Exit code 1 where a mutation broke a promise.

  python -m tests.fuzz.model_files --mutations 10000
  python -m tests.fuzz.model_files --only 1234 --out bad.tflite      one mutation again, and its file
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.fuzz.judge import judge
from tests.fuzz.mutations import ISOLATED, PLAN, make
from tests.fuzz.seeds import ROOT, make_seeds, read_seeds
from tests.fuzz.table import table

FOLDER = ROOT / "build" / "fuzz"
BATCH = 100
GROWN_BYTES = 400 << 20  # a file of some kilobytes must not make its reader take more
Result = dict[str, Any]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.model_files",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mutations", type=int, default=10_000, metavar="N", help="default: 10000")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices (default: 0)")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where results are kept (default: build/fuzz)"
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, with new seed files")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one mutation, in this process")
    parser.add_argument("--out", type=Path, metavar="FILE", help="with --only: where its file is written")
    args = parser.parse_args(argv)
    seeds = args.folder / "seeds"
    if args.fresh:
        for path in (seeds, *args.folder.glob("seed-*-*")):  # and nothing else that may be there
            shutil.rmtree(path, ignore_errors=True)
    make_seeds(seeds)
    if args.only is not None:
        return _only(args.only, args.seed, seeds, args.out)
    return run(args.mutations, args.seed, args.folder)


def run(mutations: int, seed: int, folder: Path) -> int:
    """Runs what is missing of `mutations`, prints the table; 1 where there were violations."""
    kept = folder / f"seed-{seed}-{fingerprint(folder / 'seeds')}"
    kept.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    started, made = time.monotonic(), 0
    for first in range(0, mutations, BATCH):
        count = min(BATCH, mutations - first)
        path = kept / f"{first:07}-{count}.json"
        if not path.exists():
            batch = run_batch(folder / "seeds", seed, first, count)
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(batch))
            os.replace(temporary, path)
            made += count
        results += json.loads(path.read_text())
        if made:
            rate = made / (time.monotonic() - started)
            print(
                f"\r{len(results):,} of {mutations:,} mutations, {rate:.0f} a second", end="", file=sys.stderr
            )
    print(file=sys.stderr)
    print(table(results))
    violations = [one for one in results if one["violation"]]
    for one in violations:
        print(f"VIOLATION: mutation {one['number']} of seed {seed}, {one['region']}: {one['violation']}")
    print(f"{len(results):,} mutations, {len(violations)} violations")
    return 1 if violations else 0


def run_batch(seeds: Path, seed: int, first: int, count: int) -> list[Result]:
    """The results of a batch. A child that crashes or hangs is a violation of the mutation that it was at."""
    results: list[Result] = []
    while len(results) < count:
        begin = first + len(results)
        isolated = sum(PLAN[n % len(PLAN)] in ISOLATED for n in range(begin, first + count))
        # -P would keep the tests off the path: they are no installed package.
        command = [sys.executable, "-m", "tests.fuzz.worker", str(seeds.resolve())]
        command += [str(number) for number in (seed, begin, first + count - begin)]
        reason = "hung"
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=300 + 30 * isolated
            )
            out, reason = (
                done.stdout,
                f"ended the caller with code {done.returncode}: {done.stderr.strip()[-300:]}",
            )
        except subprocess.TimeoutExpired as error:
            out = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        whole = [json.loads(line) for line in out.splitlines(keepends=True) if line.endswith("\n")]
        for one in whole:
            if one["grown"] > GROWN_BYTES and not one["violation"]:
                one |= {"outcome": "VIOLATION", "violation": f"took {one['grown'] >> 20} MB of memory"}
        results += whole
        if len(results) < count:
            number = first + len(results)
            lost = {"number": number, "region": PLAN[number % len(PLAN)], "outcome": "VIOLATION"}
            results.append(lost | {"accepted": False, "violation": reason, "grown": 0})
    return results


def fingerprint(seeds: Path) -> str:
    """Of the code under test, of these tests and of the seed files: results of others are not mixed in."""
    digest = hashlib.sha256()
    sources = [*(ROOT / "tformer_edge").rglob("*.py"), *Path(__file__).parent.glob("*.py")]
    for path in [*sorted(sources), *sorted(seeds.iterdir())]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _only(number: int, seed: int, seeds: Path, out: Path | None) -> int:
    mutated = make(number, seed, read_seeds(seeds))
    if out is not None:
        out.write_bytes(mutated.data)
    verdict = judge(mutated)
    print(f"mutation {number}, {mutated.region}: {verdict.violation or verdict.outcome}")
    return 1 if verdict.violation else 0


if __name__ == "__main__":
    sys.exit(main())
