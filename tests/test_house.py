"""The rules of the house, read off the source: which floor imports which, and how long files and functions get."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent
STAGES = {"dataset", "captions", "training", "sd_scripts", "evaluation", "seamless", "upscale"}
FLOORS = [{"common"}, {"material"}, STAGES, {"host"}, {"nodes", "launch"}, {"run", "__init__"}]  # from the ground up
SIDEWAYS = {("sd_scripts", "training")}  # the one arrow between two stages
HOST_MODULES = {"comfy", "comfy_api", "comfy_extras", "comfy_execution", "folder_paths", "nodes", "server"}
HOST_API = {"comfy_api.latest", "folder_paths", "comfy.model_management", "comfy.utils", "comfy.model_patcher"}
HEAVY = {"transformers", "onnxruntime", "cv2", "OpenEXR", "py7zr", "av", "scipy", "kornia", "safetensors", "tifffile"}
LONGEST_FILE, LONGEST_FUNCTION = 305, 60

SOURCES = sorted(
    file for file in PACK.rglob("*.py") if file.relative_to(PACK).parts[0] not in ("tests", "output") and file != PACK
)
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.relative_to(PACK).as_posix())


def module_name(source):
    parts = source.relative_to(PACK).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {module_name(source): source for source in SOURCES}


def room(source):
    """The top folder of a file, or its own name where it stands at the root."""
    return source.relative_to(PACK).with_suffix("").parts[0]


def floor(name):
    return next(height for height, rooms in enumerate(FLOORS) if name in rooms)


def outside_imports(source):
    """(module, whether at the top of the file) of every absolute import."""
    for node in ast.walk(TREES[source]):
        top = node in TREES[source].body
        if isinstance(node, ast.Import):
            yield from ((name.name, top) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module, top


def pack_imports(source):
    """The pack's own files that a file imports."""
    name = module_name(source)
    package = name if source.name == "__init__.py" else name[:-1]
    for node in ast.walk(TREES[source]):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + tuple(
                (node.module or "").split(".") if node.module else ()
            )
            for imported in node.names:
                yield MODULES.get((*base, imported.name)) or MODULES[base]


def host_imports(source):
    return [module for module, _ in outside_imports(source) if module.split(".")[0] in HOST_MODULES]


@each_source
def test_only_the_faces_and_host_import_comfyui(source):
    assert room(source) in ("nodes", "host", "launch", "__init__") or not host_imports(source)


@each_source
def test_what_comfyui_does_not_promise_is_touched_in_host_only(source):
    if room(source) in ("host", "launch"):
        return
    assert [module for module in host_imports(source) if module not in HOST_API] == []


@each_source
def test_imports_run_downwards(source):
    here = room(source)
    rooms = {room(file) for file in pack_imports(source)} - {here}
    assert {other for other in rooms if floor(other) >= floor(here) and (here, other) not in SIDEWAYS} == set()


def test_no_file_imports_itself_round_a_circle():
    graph = {source: set(pack_imports(source)) - {source} for source in SOURCES}
    waiting = {source: len(graph[source]) for source in SOURCES}
    importers = defaultdict(set)
    for source, imported in graph.items():
        for file in imported:
            importers[file].add(source)
    free = [source for source in SOURCES if not waiting[source]]
    while free:
        for importer in importers[free.pop()]:
            waiting[importer] -= 1
            if not waiting[importer]:
                free.append(importer)
    assert [source.relative_to(PACK).as_posix() for source in SOURCES if waiting[source]] == []


@each_source
def test_heavy_libraries_are_imported_where_they_are_needed(source):
    assert [module for module, top in outside_imports(source) if top and module.split(".")[0] in HEAVY] == []


@each_source
def test_nothing_runs_code_out_of_data(source):
    calls = {
        node.func.id
        for node in ast.walk(TREES[source])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"eval", "exec"}
    assert not {"pickle", "pip"} & {module.split(".")[0] for module, _ in outside_imports(source)}


@each_source
def test_a_file_tells_one_story(source):
    assert len(source.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@each_source
def test_a_function_does_one_thing(source):
    functions = (node for node in ast.walk(TREES[source]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in functions if node.name != "define_schema"}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
