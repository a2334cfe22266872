"""``python -m hygiesync``: the same as the command ``hygiesync``."""

import sys

from hygiesync.apps.cli import main

sys.exit(main())
