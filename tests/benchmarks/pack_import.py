"""What loading the pack takes beyond ComfyUI's own start: processor seconds, and the modules that take most of them.

ComfyUI's modules are loaded first. The pack is then loaded several times over in one process, the least time counts: it
hardly depends on what else the machine does. Arguments: how often (default 15).
"""

import asyncio
import importlib.util
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402

NAME = "tilewright_as_loaded"
MOST = 20  # modules that are named


def load() -> float:
    """Seconds of one load, as ComfyUI does it: the pack's module, and its list of nodes."""
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]
    begin = time.process_time()
    file, folder = conftest.PACK / "__init__.py", [str(conftest.PACK)]
    spec = importlib.util.spec_from_file_location(NAME, file, submodule_search_locations=folder)
    sys.modules[NAME] = pack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pack)
    asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
    return time.process_time() - begin


class Watched:
    """Times each module without those that it imports; `least` has the least seconds by name."""

    def __init__(self) -> None:
        self.least: dict[str, float] = {}
        self.inside = [0.0]
        self.run = SourceFileLoader.exec_module

    def exec_module(self, loader: SourceFileLoader, module: ModuleType) -> None:
        begin = time.process_time()
        self.inside.append(0.0)
        self.run(loader, module)
        whole, inside = time.process_time() - begin, self.inside.pop()
        self.inside[-1] += whole
        name = module.__name__.removeprefix(f"{NAME}.")
        self.least[name] = min(self.least.get(name, whole), whole - inside)


def main(times: int) -> None:
    import comfy.ldm.flux.model
    import comfy.samplers
    import comfy.sd  # noqa: F401
    import server  # noqa: F401

    import nodes  # noqa: F401

    load()  # what of ComfyUI the pack is the first to ask for
    print(f"{min(load() for _ in range(times)):.3f} s of CPU, the least of {times}")
    watched = Watched()
    SourceFileLoader.exec_module = lambda loader, module: watched.exec_module(loader, module)
    for _ in range(times):
        load()
    for name, seconds in sorted(watched.least.items(), key=lambda one: -one[1])[:MOST]:
        print(f"{1000 * seconds:6.2f} ms  {name}")
    print(f"{1000 * sum(watched.least.values()):6.2f} ms  in {len(watched.least)} modules")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 15)
