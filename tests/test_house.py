"""The rules of the house, read off the source: which floor imports which, and how long files and functions get."""

import ast
import re
from pathlib import Path

import pytest
from tilewright.launch.house import SIDEWAYS, STAGES, House, floor

PACK = Path(__file__).resolve().parent.parent
HOST_MODULES = {"comfy", "comfy_api", "comfy_extras", "comfy_execution", "folder_paths", "nodes", "server"}
HOST_API = {"comfy_api.latest", "folder_paths", "comfy.model_management", "comfy.utils", "comfy.model_patcher"}
HEAVY = {"transformers", "onnxruntime", "cv2", "OpenEXR", "py7zr", "av", "scipy", "kornia", "safetensors", "tifffile"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 60

HOUSE = House(PACK)


def sources_with(faults):
    """{file: what `faults` finds in it} of the sources in which it finds something."""
    found = {source.relative_to(PACK).as_posix(): list(faults(source)) for source in HOUSE.sources}
    assert len(found) > 400  # the rules hold for every source, and there are so many
    return {name: faults for name, faults in found.items() if faults}


def host_imports(source):
    return [module for module, _ in HOUSE.outside_imports(source) if module.split(".")[0] in HOST_MODULES]


def test_only_the_faces_and_host_import_comfyui():
    faces = ("nodes", "host", "launch", "__init__")
    assert sources_with(lambda source: [] if HOUSE.room(source) in faces else host_imports(source)) == {}


def test_what_comfyui_does_not_promise_is_touched_in_host_only():
    def unpromised(source):
        inside = HOUSE.room(source) in ("host", "launch")
        return [] if inside else [module for module in host_imports(source) if module not in HOST_API]

    assert sources_with(unpromised) == {}


def test_imports_run_downwards():
    def upward(source):
        here = HOUSE.room(source)
        rooms = {HOUSE.room(file) for file in HOUSE.imports(source)} - {here}
        return [other for other in rooms if floor(other) >= floor(here) and (here, other) not in SIDEWAYS]

    assert sources_with(upward) == {}


def test_no_file_imports_itself_round_a_circle():
    assert HOUSE.circles() == []


def house_of(folder, files):
    """A house of `files`, whose texts stand by their paths without .py, in an empty folder."""
    for name, text in files.items():
        file = folder / f"{name}.py"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text)
    return House(folder)


def test_a_circle_and_an_upward_import_are_found(tmp_path):
    files = {
        "common/one": "from .two import b",
        "common/two": "from .one import a\nfrom ..host.three import c",
        "host/three": "c = 1",
    }
    house = house_of(tmp_path, files)
    assert [file.stem for file in house.circles()] == ["one", "two"]
    assert house.arrows() == {("common", "host"): 1} and floor("host") > floor("common")


def test_a_circle_through_a_packages_own_file_is_found(tmp_path):
    """Importing host.inner.three runs host/inner/__init__.py first, which imports host.two, which imports it."""
    files = {
        "host/inner/__init__": "from ..two import b",
        "host/inner/three": "c = 1",
        "host/two": "from .inner.three import c",
    }
    assert [file.stem for file in house_of(tmp_path, files).circles()] == ["__init__", "two"]


def test_heavy_libraries_are_imported_where_they_are_needed():
    def heavy(source):
        return [module for module, top in HOUSE.outside_imports(source) if top and module.split(".")[0] in HEAVY]

    assert sources_with(heavy) == {}


def test_nothing_runs_code_out_of_data():
    def running(source):
        called = {
            node.func.id
            for node in ast.walk(HOUSE.trees[source])
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        imported = {module.split(".")[0] for module, _ in HOUSE.outside_imports(source)}
        return called & {"eval", "exec"} | imported & {"pickle", "pip"}

    assert sources_with(running) == {}


def test_a_file_tells_one_story():
    def lines(source):
        count = len(source.read_text(encoding="utf-8").splitlines())
        return [count] if count > LONGEST_FILE else []

    assert sources_with(lines) == {}


def test_a_function_does_one_thing():
    def too_long(source):
        functions = (function for function in HOUSE.functions(source) if function.name != "define_schema")
        return [f"{one.name}: {one.lines} lines" for one in functions if one.lines > LONGEST_FUNCTION]

    assert sources_with(too_long) == {}


def test_test_modules_have_names_of_their_own():
    names = [file.name for file in (PACK / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_test_takes_a_name_from_a_conftest():
    """There are several: which of them `conftest` is depends on what is run along with it."""
    taken = re.compile(r"^\s*from conftest import", re.MULTILINE)
    tests = [file for file in (PACK / "tests").rglob("*.py") if "benchmarks" not in file.parts]
    assert [file.name for file in tests if taken.search(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("room", ["common", "host", "material", *STAGES])
def test_a_rooms_docstring_is_its_index(room):
    index = ast.get_docstring(HOUSE.trees[PACK / room / "__init__.py"])
    modules = {file.stem for file in (PACK / room).glob("*.py")} - {"__init__", "start_script"}
    assert sorted(name for name in modules if not re.search(rf"\b{name}\b", index)) == []


def words_of_tests():
    """Every name that a test module says: what it imports, calls or reads."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in (PACK / "tests").rglob("*.py"))
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name


@pytest.fixture(scope="module")
def named_in_tests():
    return set(words_of_tests())


@pytest.mark.parametrize("stage", sorted({"common", "material", *STAGES}))
def test_every_public_function_of_a_plain_stage_is_named_by_a_test(stage, named_in_tests):
    public = [
        f"{source.relative_to(PACK).as_posix()}: {node.name}"
        for source in HOUSE.sources
        if HOUSE.room(source) == stage
        for node in HOUSE.trees[source].body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name not in named_in_tests
    ]
    assert public == []
