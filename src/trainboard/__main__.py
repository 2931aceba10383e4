"""`python -m trainboard`: the `trainboard` command where it is not on the path."""

import sys

from trainboard.cli import main

sys.exit(main())
