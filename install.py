"""Install what the pack needs into the Python that runs this: ComfyUI's. ComfyUI-Manager runs it by itself.

OpenCV does not stand in requirements.txt: who has it from another wheel than the one named there would get a second.
"""

import subprocess
import sys
from pathlib import Path

from launch.hosts import HostError, install_opencv

if __name__ == "__main__":
    python = Path(sys.executable)
    requirements = Path(__file__).with_name("requirements.txt")
    if subprocess.run([python, "-m", "pip", "install", "-r", requirements]).returncode:
        sys.exit("pip failed; its reason is above.")
    try:
        install_opencv(python)
    except HostError as error:
        sys.exit(str(error))
