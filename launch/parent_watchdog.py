"""Run a script that ends with the process which started it: `python parent_watchdog.py main.py ...`.

Standard input is a pipe whose other end the starter holds. However the starter ends, killed outright or with the
machine's last memory, the system closes that end; then the script ends, and what it has started.
"""

import os
import runpy
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil  # ComfyUI requires it; imported now, while there is memory for it

STDIN = 0


def main() -> None:
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


def _end_with_the_starter() -> None:
    while os.read(STDIN, 1024):  # empty where nobody can write any more
        pass
    for started in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            started.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
