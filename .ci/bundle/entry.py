"""What a bundle starts: ``hemoview``, ``recorder``, or, as Python does, ``-m MODULE`` for the processes these start."""

import multiprocessing
import os
import runpy
import sys


def main() -> None:
    """Act as the program one was called as."""
    multiprocessing.freeze_support()
    if sys.argv[1:2] == ["-m"] and len(sys.argv) > 2:
        module = sys.argv[2]
        sys.argv[:3] = [module]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    called = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    if called == "recorder":
        from recorder.cli import main as run
    else:
        from hemoview.cli import main as run
    sys.exit(run())


if __name__ == "__main__":
    main()
