"""The rules of the house, read off the source: who may import what, and how long a file may get."""

import ast
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent
STAGES = ["dataset", "captions", "training", "seamless", "upscale", "material"]
PUBLIC_HOST = {"comfy_api.latest", "folder_paths", "comfy.model_management", "comfy.utils", "comfy.model_patcher"}
HEAVY = {"transformers", "onnxruntime", "cv2", "OpenEXR", "py7zr", "av", "scipy", "kornia", "safetensors", "tifffile"}
SOURCES = sorted([*PACK.glob("nodes/**/*.py"), *PACK.glob("training/**/*.py")])
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.relative_to(PACK).as_posix())


def imports(tree):
    """(module, whether at the top of the file) of every import; relative ones as '.common.axes' or '..host'."""
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            yield from ((name.name, top) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base, top
            yield from ((f"{base}.{name.name}" if node.module else base + name.name, top) for name in node.names)


def parsed(source):
    return ast.parse(source.read_text(encoding="utf-8"))


def within(source, *parts):
    return source.is_relative_to(PACK.joinpath(*parts))


def is_host(module):
    return module.split(".")[0] in (
        "comfy",
        "comfy_api",
        "comfy_extras",
        "comfy_execution",
        "folder_paths",
        "nodes",
        "server",
    )


def speaks_comfyui(source):
    """Whether a file is one of those that stand at ComfyUI's edge."""
    edge = source.name.endswith(("nodes.py", "_inputs.py", "sockets.py"))
    return edge or any(part in source.parent.name + source.stem for part in ("adapter", "host"))


@each_source
def test_only_the_edge_of_the_pack_imports_comfyui(source):
    found = [module for module, _ in imports(parsed(source)) if is_host(module)]
    assert not found or speaks_comfyui(source)


@each_source
def test_what_comfyui_does_not_promise_is_touched_in_host_only(source):
    if "host" in source.parent.name + source.stem:
        return
    modules = [module for module, _ in imports(parsed(source)) if is_host(module)]
    private = [
        name for name in modules if not any(name == known or name.startswith(f"{known}.") for known in PUBLIC_HOST)
    ]
    assert private == []


@each_source
def test_stages_do_not_import_each_other(source):
    own = next((stage for stage in STAGES if within(source, "nodes", stage)), None)
    others = {stage for stage in STAGES if stage != own}
    reached = [module for module, _ in imports(parsed(source)) if own and module.startswith("..")]
    assert [
        module for module in reached if module.lstrip(".").split(".")[0] in others and not module.startswith("...")
    ] == []


@each_source
def test_heavy_libraries_are_imported_where_they_are_needed(source):
    assert [module for module, top in imports(parsed(source)) if top and module.split(".")[0] in HEAVY] == []


@each_source
def test_nothing_runs_code_out_of_data(source):
    calls = {
        node.func.id
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"eval", "exec"}
    assert not {"pickle", "pip"} & {module.split(".")[0] for module, _ in imports(parsed(source))}


@each_source
def test_a_file_tells_one_story(source):
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 350
