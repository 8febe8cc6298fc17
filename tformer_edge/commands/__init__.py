"""The subcommands of `tformer-edge`, one a module: `add_arguments(parser)` and `run(args) -> int`."""
