"""Every command through every fault: `make faults` prints the matrix, and ends with 1 where something was wrong.

python -m tests.faults.matrix [--commands NAME …] [--faults NAME …] [--results FILE]
"""

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.commands import COMMANDS, KEPT_TWICE, MAY_FAIL, OF_SCENES, READS
from tests.faults.faults import DAMAGES, FAULTS, THINGS, keras_home
from tests.faults.forked import can_fork, run_forked, start
from tests.faults.process import Fault, run, wrong_with
from tests.faults.workspace import Workspace, make


@dataclasses.dataclass(frozen=True)
class Cell:
    """One command with one fault: its exit code, seconds, megabytes, and what was wrong with it."""

    command: str
    fault: str
    code: int
    seconds: float
    megabytes: int
    wrong: str | None


def cells() -> list[tuple[str, str]]:
    """(command, fault) of all that there is.

    Streams and environment are met before a command knows its task: of these, scenes have Keras' defaults alone.
    """
    pairs = [
        (command, fault)
        for fault in FAULTS
        for command in COMMANDS
        if command not in OF_SCENES or can_fork(FAULTS[fault])
    ]
    damages = [
        (command, fault)
        for fault in (*DAMAGES, *THINGS)
        for command, path in READS.items()
        # These change what is inside a Keras model's zip.
        if path.endswith(".keras") or fault not in ("sparse weights", "deep JSON")
    ]
    return pairs + damages


def try_one(command: str, fault_name: str, space: Workspace) -> Cell:
    """Runs a command with a fault in a copy of the workspace."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = Workspace(Path(shutil.copytree(space.folder, folder / "space")))
        fault = FAULTS.get(fault_name, Fault(codes=(1, 2)))
        if command in MAY_FAIL:
            fault = dataclasses.replace(fault, codes=(*fault.codes, 1))
        if command in KEPT_TWICE:
            fault = dataclasses.replace(fault, codes=(*fault.codes, 0))
        if fault_name == "other Keras defaults":
            fault = dataclasses.replace(fault, environment=keras_home(folder / "keras"))
        if fault_name in DAMAGES:
            path = copy.folder / READS[command]
            path.write_bytes(DAMAGES[fault_name](path.read_bytes()))
        elif fault_name in THINGS:
            THINGS[fault_name](copy.folder / READS[command])
        out = folder / "out"
        out.mkdir()
        before = set(folder.rglob("*"))
        ended = (run_forked if can_fork(fault) else run)(COMMANDS[command](copy, out), fault)
        wrong = wrong_with(ended, fault, folder, before, as_json=True)
        return Cell(command, fault_name, ended.code, round(ended.seconds, 1), ended.peak >> 20, wrong)


def main() -> int:
    """Runs the matrix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    parser.add_argument("--faults", nargs="+", default=[*FAULTS, *DAMAGES, *THINGS])
    parser.add_argument(
        "--results", type=Path, help="a line of JSON a run goes there as well; what it has is not run again"
    )
    args = parser.parse_args()
    known = {(cell.command, cell.fault): cell for cell in read(args.results)}
    results: list[Cell] = []
    start()
    with tempfile.TemporaryDirectory() as name:
        space = make(Path(name) / "space", run_forked)
        chosen = [pair for pair in cells() if pair[0] in args.commands and pair[1] in args.faults]
        for number, (command, fault) in enumerate(chosen, 1):
            cell = known.get((command, fault))
            if cell is None:
                cell = try_one(command, fault, space)
                if args.results:
                    with args.results.open("a") as file:
                        file.write(json.dumps(dataclasses.asdict(cell)) + "\n")
            results.append(cell)
            said = f"{number}/{len(chosen)} {command}, {fault}: {cell.code}, {cell.seconds} s"
            print(said, file=sys.stderr, flush=True)
            if cell.wrong:
                print(f"  WRONG: {cell.wrong}", file=sys.stderr, flush=True)
    print(table(results))
    return int(any(cell.wrong for cell in results))


def read(results: Path | None) -> list[Cell]:
    """The runs that a file of `--results` has."""
    if results is None or not results.exists():
        return []
    return [Cell(**json.loads(line)) for line in results.read_text().splitlines()]


def table(results: list[Cell]) -> str:
    """Faults by commands: exit codes, "!" behind one that was wrong."""
    commands = list(dict.fromkeys(cell.command for cell in results))
    found = {(cell.command, cell.fault): f"{cell.code}{'!' if cell.wrong else ''}" for cell in results}
    lines = ["| fault | " + " | ".join(commands) + " |", "|---|" + "---|" * len(commands)]
    for fault in dict.fromkeys(cell.fault for cell in results):
        row = " | ".join(found.get((command, fault), "") for command in commands)
        lines.append(f"| {fault} | {row} |")
    peak = max((cell.megabytes for cell in results), default=0)
    wrong = sum(cell.wrong is not None for cell in results)
    return "\n".join([*lines, "", f"{len(results)} runs, {wrong} wrong; the most memory: {peak} MB"])


if __name__ == "__main__":
    sys.exit(main())
