"""The `tformer` command: one module a command, with `add_arguments(parser)` and `run(args) -> int`."""
