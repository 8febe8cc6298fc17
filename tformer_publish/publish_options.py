"""The arguments of `tformer publish` and `tformer-publish`."""

import argparse

EPILOG = """examples:
  tformer-publish init --to REPO --keys KEYS
  tformer-publish release model.tflite --to REPO --key targets=KEYS/targets.pem … --rollout 10
  tformer-publish release L=l.tflite M=m.tflite S=s.tflite --to REPO --keys KEYS
  tformer-publish promote 3 --rollout 100 --to REPO --keys KEYS
  tformer-publish promote 3 --rollout 100 --log access.log --most-failures 2 --to REPO --keys KEYS
  tformer-publish rollback 2 --to REPO --keys KEYS
  tformer-publish rotate-key targets --old KEYS/targets.pem --new KEYS/targets-2.pem --to REPO --keys KEYS
  tformer-publish refresh --to REPO --keys KEYS

The passphrase of key files is read from the environment variable TFORMER_PASSPHRASE."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str, keys: bool = True) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=text, description=text)
        made.add_argument("--to", required=True, metavar="REPO", help="the repository's folder")
        if keys:
            made.add_argument(
                "--keys", help="a folder of keys as init makes it: root-1.pem, …, targets.pem, …"
            )
            made.add_argument(
                "--key",
                action="append",
                default=[],
                metavar="ROLE=FILE_OR_URI",
                help="one key, instead of the folder's for its role; may be given again",
            )
        return made

    init = action("init", "make a repository, and the keys that are not there yet")
    init.add_argument("--root-keys", type=int, default=3, help="(default: 3)")
    init.add_argument("--threshold", type=int, default=2, help="of root keys that must sign (default: 2)")
    release = action("release", "publish a model file as the next release")
    release.add_argument(
        "model",
        nargs="+",
        metavar="[NAME=]FILE",
        help="a .tflite file with contract and golden vectors; or several capacities of a network, which devices have "
        "together, the largest first (NAME: the file's, without its ending)",
    )
    release.add_argument("--rollout", type=int, default=100, help="percent of devices (default: 100)")
    release.add_argument("--target", choices=("litert", "micro"), default="litert")
    release.add_argument(
        "--full", action="store_true", help="publish also where no delta is smaller than the file"
    )
    release.add_argument(
        "--memory", metavar="SIZE", help="memory that a device must have to take it, as 256MB (default: any)"
    )
    promote = action("promote", "set a release's rollout; 0 halts it")
    promote.add_argument("release", type=int)
    promote.add_argument("--rollout", type=int, required=True, help="percent of devices")
    log(promote, "more devices get it only where the reports in it (tformer-edge update --report) let them")
    promote.add_argument(
        "--most-failures",
        type=float,
        metavar="PERCENT",
        help="with --log: of devices that report, on how many it may have failed (default: 2)",
    )
    promote.add_argument(
        "--least-reports",
        type=int,
        metavar="N",
        help="with --log: devices that must have reported (default: 20)",
    )
    promote.add_argument(
        "--or-halt", action="store_true", help="with --log: where it failed on more, set its rollout to 0"
    )
    rollback = action("rollback", "publish an earlier release's file as the newest release")
    rollback.add_argument("release", type=int)
    rotate = action("rotate-key", "replace a key, by root's signatures")
    rotate.add_argument("role", choices=("root", "targets", "snapshot", "timestamp"))
    rotate.add_argument("--old", required=True, help="file of the key that goes, or its id")
    rotate.add_argument("--new", required=True, help="file of the key that comes; made where it is not there")
    action("refresh", "sign snapshot and timestamp anew; a timer runs this")
    action("verify", "check every signature, date and file", keys=False)
    log(
        action("report", "list the releases", keys=False),
        "say too on how many devices each works or failed, as they reported (tformer-edge update --report)",
    )


def log(action: argparse.ArgumentParser, text: str) -> None:
    action.add_argument(
        "--log", nargs="+", default=[], metavar="FILE", help=f"access logs of the server, .gz too: {text}"
    )
