"""Prints which room of the project imports which, as Mermaid: `python -m tools.draw_imports`.

A room is a package, or a module of `tformer_keras/deploy` that stands on a floor of its own.
"""

from tests.test_import_floors import FLOORS, ROOT, imports, module_name, source_files


def room(module: str) -> str:
    """The longest name of a floor that a module is below, or itself."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in FLOORS), parts[0])


def arrows() -> dict[tuple[str, str], int]:
    """(importing room, imported room) → imports, those inside a room left out."""
    found: dict[tuple[str, str], int] = {}
    for path in source_files():
        name = module_name(path)
        for target, _, _ in imports(name, path.read_text("utf-8"), path.name == "__init__.py"):
            if target.split(".")[0] in {floor.split(".")[0] for floor in FLOORS} and room(target) != room(
                name
            ):
                pair = room(name), room(target)
                found[pair] = found.get(pair, 0) + 1
    return found


def drawing() -> str:
    """The lines of a Mermaid graph, the highest floors first."""
    short = {name: name.removeprefix("tformer_keras.").replace(".", "_") for name in FLOORS}
    lines = ["graph TD"]
    for (above, below), count in sorted(arrows().items(), key=lambda item: (-FLOORS[item[0][0]], item[0])):
        # Everything stands on the device side's errors and files.
        if below != "tformer_edge" and above not in ("tformer_keras", "benchmarks", "converters"):
            lines.append(f"  {short[above]} -- {count} --> {short[below]}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(f"{len(source_files())} files under {ROOT.name}\n{drawing()}")
