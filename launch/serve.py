"""`python run.py serve`: start ComfyUI with the pack and open the editor."""

import threading
import webbrowser

from .hosts import PACK, HostError, find_host
from .server import running_server
from .terminal import complain, end_politely, say


def main(arguments: list[str]) -> int:
    """Serve until ComfyUI ends or this is told to; `arguments` go to ComfyUI. Returns its exit code."""
    end_politely()
    try:
        with running_server(find_host(), PACK / "output" / "base", PACK / "output", arguments) as server:
            say(f"ComfyUI with Tilewright: {server.url} (Ctrl+C ends it; log: {server.log})")
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
            return server.process.wait()
    except HostError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
