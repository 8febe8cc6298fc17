"""Imports point one way (docs/architecture.md "Floors"), and the device side brings in no training framework."""

import ast
import graphlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Longest prefix wins. A module may import its own floor and those below it.
FLOORS = {
    "tformer_edge": 0,
    "tformer_publish": 0.5,
    "tformer_keras.layers": 1,
    "tformer_keras.models": 2,
    "tformer_keras": 2,  # the package itself is the door to the models
    "tformer_keras.tasks": 3,
    "tformer_keras.data": 3,
    "tformer_keras.training": 4,
    # deploy's rooms, each of which imports only what stands before it.
    "tformer_keras.deploy.graph": 5.1,
    "tformer_keras.deploy.int8": 5.2,
    "tformer_keras.deploy.tflite": 5.3,
    "tformer_keras.deploy.micro": 5.4,
    "tformer_keras.deploy.npu": 5.45,
    "tformer_keras.deploy.conversion": 5.5,
    "tformer_keras.deploy.graph_source": 5.5,
    "tformer_keras.deploy.border": 5.55,
    "tformer_keras.deploy.mediapipe": 5.56,
    "tformer_keras.deploy.conversion_options": 5.57,
    "tformer_keras.deploy.compare": 5.6,
    "tformer_keras.deploy.model_conversion": 5.65,
    "tformer_keras.deploy.update": 5.66,
    "tformer_keras.deploy": 5.7,  # the door to the rooms
    "tformer_cli": 6,
    "converters": 6,
    "benchmarks": 7,
}
EDGE_LIBRARIES = {"numpy", "PIL", "ai_edge_litert"}
UPDATE_LIBRARIES = {"tuf", "hdiffpatch"}  # inside functions: the extra `update`
DEPLOY_LIBRARIES = {"tf_keras", "tensorflow_model_optimization"}
FRAMEWORKS = {"tensorflow", "keras", "jax", "jaxlib", "torch", "tf_keras", "tensorflow_model_optimization"}


def source_files() -> list[Path]:
    packages = sorted({name.split(".")[0] for name in FLOORS})
    inside = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return sorted([*inside, *ROOT.glob("*.py")])


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor(module: str) -> float | None:
    """The floor of a module of this project, or None for any other."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        # A new folder below tformer_keras must be given a floor, and not slip in under the package's own.
        if prefix in FLOORS and (prefix != "tformer_keras" or length == len(parts)):
            return FLOORS[prefix]
    if parts[0] in {name.split(".")[0] for name in FLOORS}:
        raise AssertionError(f"{module} is on no floor: name it in FLOORS, see docs/architecture.md")
    return None


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def imports(name: str, text: str, is_package: bool) -> list[tuple[str, int, bool]]:
    """(imported module, line, whether it is imported together with this module) of every import statement."""
    found: list[tuple[str, int, bool]] = []

    def visit(node: ast.AST, at_import: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inside = at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                inside = False
            if isinstance(child, ast.Import):
                found.extend((alias.name, child.lineno, at_import) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    parts = name.split(".")
                    keep = len(parts) - child.level + (1 if is_package else 0)
                    base = ".".join([*parts[:keep], *([base] if base else [])])
                for alias in child.names:
                    member = f"{base}.{alias.name}"
                    found.append((member if is_module(member) else base, child.lineno, at_import))
            visit(child, inside)

    visit(ast.parse(text), True)
    return found


def violations(name: str, text: str, is_package: bool) -> list[str]:
    own = floor(name)
    assert own is not None
    wrong = []
    for imported, line, at_import in imports(name, text, is_package):
        where, library = f"{name}, line {line}", imported.split(".")[0]
        target = floor(imported)
        # The package's door may open upwards when it is asked to: tformer_keras.quantize_aware needs deploy.
        is_door = name == "tformer_keras" and not at_import
        if target is not None and target > own and not is_door:
            wrong.append(f"{where}: floor {own} imports {imported} of floor {target}")
        if name.startswith("tformer_edge.update.") and library in UPDATE_LIBRARIES and not at_import:
            continue
        if target is None and own == 0 and library not in EDGE_LIBRARIES | sys.stdlib_module_names:
            wrong.append(
                f"{where}: the device side imports {imported}, which is none of {sorted(EDGE_LIBRARIES)}"
            )
        if library in DEPLOY_LIBRARIES and own < 5:
            wrong.append(f"{where}: {imported} is imported below deploy")
        if library == "tensorflow" and own < 5 and at_import:
            wrong.append(f"{where}: TensorFlow must be imported where it is used, training runs without it")
    return wrong


@pytest.mark.parametrize("path", source_files(), ids=module_name)
def test_imports_point_downwards(path):
    assert violations(module_name(path), path.read_text("utf-8"), path.name == "__init__.py") == []


@pytest.mark.parametrize(
    "name,text",
    [
        ("tformer_edge.preprocessing", "import keras"),
        ("tformer_edge.preprocessing", "def f():\n    import tensorflow as tf"),
        ("tformer_edge.preprocessing", "from tformer_keras import layers"),
        ("tformer_keras.layers.layer_scale", "from tformer_keras.models import tformer"),
        ("tformer_keras.layers.layer_scale", "from ..models import tformer"),
        ("tformer_keras.data.loader", "def f():\n    from tformer_keras import training"),
        ("tformer_keras.data.loader", "import tensorflow as tf"),
        ("tformer_keras.data.loader", "class A:\n    if True:\n        import tensorflow.data"),
        ("tformer_keras.training.train", "def f():\n    import tf_keras"),
        ("tformer_keras.training.train", "import tformer_keras.deploy.graph.lower"),
        ("tformer_keras.deploy.graph.lower", "import tformer_cli"),
    ],
)
def test_the_rule_sees_imports_that_point_upwards(name, text):
    assert len(violations(name, text, False)) >= 1


@pytest.mark.parametrize(
    "name,text",
    [
        ("tformer_edge.preprocessing", "import json\nimport numpy as np\nfrom PIL import Image"),
        ("tformer_keras.data.loader", "def f():\n    import tensorflow as tf"),
        ("tformer_keras.deploy.graph.lower", "import tf_keras\nfrom tformer_keras.models import tformer"),
        ("tformer_keras", "def quantize_aware(model):\n    from tformer_keras.deploy import quantize"),
    ],
)
def test_the_rule_lets_imports_that_point_downwards_pass(name, text):
    assert violations(name, text, False) == []


def test_a_new_folder_needs_a_floor():
    with pytest.raises(AssertionError, match="on no floor"):
        floor("tformer_keras.helpers.strings")


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """The first circle among modules and what they import as they are imported, as names; empty without one."""
    try:
        graphlib.TopologicalSorter(arrows).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def arrows() -> dict[str, set[str]]:
    """What each module of this project imports while it is imported itself; doors that wait for a name do not count."""
    found: dict[str, set[str]] = {}
    for path in source_files():
        name, text = module_name(path), path.read_text("utf-8")
        inside = {
            target
            for target, _, at_import in imports(name, text, path.name == "__init__.py")
            if at_import and is_module(target) and target != name
        }
        # A package names its modules; that they know each other by its name is no circle of theirs.
        found[name] = set() if path.name == "__init__.py" else inside
    return found


def test_no_modules_import_each_other_in_a_circle():
    assert circles(arrows()) == []


def test_the_rule_sees_a_circle():
    assert set(circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})) == {"a", "b", "c"}
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def same_names(paths: list[Path]) -> list[list[Path]]:
    """Source files of one package that are called the same, those of packages themselves left out."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in paths:
        if not path.name.startswith("__"):
            groups.setdefault((path.relative_to(ROOT).parts[0], path.name), []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def test_no_two_files_of_a_package_are_called_the_same():
    assert same_names(source_files()) == []


def test_the_rule_sees_two_files_of_one_name():
    made = [ROOT / "a" / "x.py", ROOT / "a" / "b" / "x.py", ROOT / "c" / "x.py", ROOT / "a" / "__init__.py"]
    assert same_names(made) == [made[:2]]


def run_python(code: str, **environment: str) -> str:
    # A child has neither the parent's modules nor its path: the project's folder is all that it is given.
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_importing_the_device_side_brings_in_no_framework():
    modules = [module_name(path) for path in source_files() if floor(module_name(path)) == 0]
    assert len(modules) >= 4
    unwanted = FRAMEWORKS | {"tformer_keras", "scipy", "sklearn"}
    code = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print(sorted({{name.split(".")[0] for name in sys.modules}} & {unwanted!r}))
"""
    assert run_python(code).strip() == "[]"


def test_everything_up_to_training_imports_on_jax_without_tensorflow():
    modules = [module_name(path) for path in source_files() if floor(module_name(path)) in range(1, 5)]
    assert len(modules) >= 10
    code = f"""
import importlib, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tf_keras"):
            raise ImportError(name + " is blocked by the test")
sys.meta_path.insert(0, Block())
for name in {modules!r}:
    importlib.import_module(name)
import keras
print(keras.backend.backend(), "tensorflow" in sys.modules)
"""
    assert run_python(code, KERAS_BACKEND="jax").split() == ["jax", "False"]
