"""Makes the README's pictures from one demo run. Run by ``make pictures``; look at them before committing."""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from hemoview import demo
from hemoview.ui import theme
from hemoview.ui.review import ReviewPage

PICTURES = Path("resources/docs/pictures")


def main() -> None:
    """Record two minutes with the window open, then open what was recorded."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    with tempfile.TemporaryDirectory() as folder:
        options = demo.DemoOptions(seconds=seconds, out=Path(folder), screenshot=PICTURES / "record.png")
        session = demo.run(options)["session"]
        app = QApplication.instance() or QApplication([])
        theme.apply(app)
        page = ReviewPage()
        page.resize(1280, 800)
        page.show()
        page.open_session(session)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            app.processEvents()
            time.sleep(0.02)
        page.grab().save(str(PICTURES / "review.png"))
        page.close()


if __name__ == "__main__":
    main()
