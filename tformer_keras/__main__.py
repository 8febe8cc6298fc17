"""`python -m tformer_keras`: the `tformer` command, after Keras has been imported with the package."""

import sys

from tformer_cli import main

if __name__ == "__main__":
    sys.exit(main())
