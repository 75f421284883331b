"""Run a script with a folder of packages before all others: `start_script.py PACKAGES SCRIPT ARGUMENTS...`.

It runs in the script's process and knows nothing of Tilewright or ComfyUI. PYTHONPATH would do the same, but not under
the Python of ComfyUI's portable version, which does not read it.
"""

import os
import runpy
import sys

if __name__ == "__main__":
    own = os.path.dirname(os.path.abspath(__file__))
    packages, script = sys.argv[1:3]
    others = [place for place in sys.path if os.path.abspath(place) not in (own, os.path.abspath(packages))]
    sys.path[:] = [os.path.dirname(os.path.abspath(script)), packages, *others]
    sys.argv = sys.argv[2:]
    runpy.run_path(script, run_name="__main__")
