"""`python -m tformer_cli`: the `tformer` command."""

import sys

from tformer_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
