"""Shows what a store of models holds: the release that answers, its trial, what failed, how the last update ended.

Exit code 1 where the model that should answer is damaged.
"""

import argparse
import json
from typing import Any

from tformer_edge.commands.update import DEFAULT_STORE
from tformer_edge.update.bundle import Bundle, is_bundle
from tformer_edge.update.model_store import ModelStore

EPILOG = """examples:
  tformer-edge status
  tformer-edge status --store /var/lib/tformer --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", default=DEFAULT_STORE, help="the folder of the models (default: models)")


def run(args: argparse.Namespace) -> int:
    store = ModelStore(args.store)
    state = store.state()
    slots: list[dict[str, Any]] = [
        {
            "slot": name,
            "release": slot.release,
            "bytes": slot.length,
            "sha256": slot.sha256,
            "whole": data is not None,
            "active": name == state.active,
            "capacities": _capacities(data),
        }
        for name, slot in sorted(state.slots.items())
        for data in [store.bytes_of(state, name)]
    ]
    found = {
        "last_update": state.last,
        "trial": state.trial >= 0,
        "floor": state.floor,
        "failed": list(state.failed),
        "device": state.device_id,
        "slots": slots,
    }
    if args.json:
        print(json.dumps(found))
    else:
        for one in slots:
            use = ("on trial" if state.trial >= 0 else "in use") if one["active"] else "kept"
            whole = "" if one["whole"] else ", DAMAGED"
            print(f"release {one['release']}: {use}{whole}, {one['bytes']:,} bytes, SHA-256 {one['sha256']}")
            for capacity in one["capacities"]:
                print(
                    f"  {capacity['name']}: {capacity['bytes']:,} bytes, {capacity['stored']:,} of them stored"
                )
        print(f"last update: {state.last or 'none yet'}; nothing below release {state.floor} is installed")
        if state.failed:
            print(f"failed here: release {', '.join(map(str, state.failed))}")
    return 0 if any(one["active"] and one["whole"] for one in slots) else 1


def _capacities(data: bytes | None) -> list[dict[str, Any]]:
    """Those of a release of several."""
    if data is None or not is_bundle(data):
        return []
    found = Bundle(data).capacities
    return [{"name": one.name, "bytes": one.length, "stored": one.stored} for one in found]
