"""Runs a piece of Python in a process of its own: what measures memory must not depend on what ran before it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# A safety net, far above what any of them takes on a busy machine.
SECONDS = 900


def fresh_module(name: str, *arguments: object, seconds: int = SECONDS) -> Any:
    """What a module prints as JSON when it is run; `arguments` are its `sys.argv[1:]`."""
    done = subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def fresh(code: str, *arguments: object) -> Any:
    """What `code` gives as `result`, through JSON; `arguments` are its `sys.argv[1:]`."""
    program = f"import json, sys\n{code}\nprint(json.dumps(result))"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
