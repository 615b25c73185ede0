"""``python -m hemoview``."""

import sys

from hemoview.cli import main

sys.exit(main())
