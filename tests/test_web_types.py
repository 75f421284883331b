"""The editor's JavaScript: its types where a TypeScript compiler is at hand, and what every module keeps to."""

import ast
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parent.parent / "web"
MODULES = sorted(file for file in WEB.rglob("*.js"))
ENTRIES = {"tilewright.js", "errors.js", "first_view.js", "template_order.js"}
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(WEB).as_posix())


def test_types():
    compiler = os.environ.get("TSC") or shutil.which("tsc")
    if not compiler:
        pytest.skip("no TypeScript compiler on this machine (npm install -g typescript, or name it in TSC)")
    told = subprocess.run([compiler, "-p", WEB / "jsconfig.json"], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout


@each_module
def test_only_the_adapter_and_the_entries_know_comfyui(module):
    imported = re.findall(r'from "([^"]*scripts/[^"]*)"', module.read_text(encoding="utf-8"))
    assert not imported or module.relative_to(WEB).as_posix() in {"lib/comfy.js", *ENTRIES}
    assert {name.split("scripts/")[1] for name in imported} <= {"app.js", "api.js"}  # the others are not public


@each_module
def test_the_host_loads_every_module_so_only_entries_do_anything(module):
    """Statements at the top are imports, exports and declarations."""
    if module.name in ENTRIES:
        return
    text = re.sub(r"/\*.*?\*/", "", module.read_text(encoding="utf-8"), flags=re.DOTALL)
    tops = [line for line in text.splitlines() if line and not line[0].isspace()]
    allowed = r"(import|export|const|let|function|async function|class|//|[\])}]|@)"
    assert [line for line in tops if not re.match(allowed, line)] == []


@each_module
def test_a_module_tells_one_story(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 300


@each_module
def test_nothing_is_parsed_as_html_or_fetched_from_elsewhere(module):
    text = module.read_text(encoding="utf-8")
    assert not re.search(r"\.innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(
        r"""["'`]https?://(?!www\.w3\.org/2000/svg)""", text
    )  # the namespace is a name, not an address


SHEETS = sorted(sheet for sheet in WEB.rglob("*.css") if "vendor" not in sheet.parts)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_no_rule_of_a_style_sheet_swallows_those_after_it(sheet):
    """A rule without its end takes all that follows for its own, and browsers say nothing."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    opened = []
    for head, brace in re.findall(r"([^{}]*)([{}])", text):
        if brace == "}":
            assert opened, f"more ends than rules, before {head.strip()[:60]}"
            opened.pop()
        else:
            rule = re.split(r"[;}]", head)[-1].strip()
            assert all(outer.startswith("@") for outer in opened), f"{rule} stands within {opened[-1]}"
            opened.append(rule)
    assert opened == []


LOCALES = WEB.parent / "locales"


def said():
    """Every English sentence that a module hands to `t`."""
    texts = [module.read_text(encoding="utf-8") for module in MODULES]
    return {ast.literal_eval(found) for text in texts for found in re.findall(r'\bt\(\s*("(?:[^"\\]|\\.)*")', text)}


@pytest.mark.parametrize("language", sorted(folder.name for folder in LOCALES.iterdir()))
def test_every_sentence_of_the_views_is_translated_with_its_blanks(language):
    words = json.loads((LOCALES / language / "main.json").read_text(encoding="utf-8"))["tilewright"]
    assert said() - words.keys() == set()
    blanks = {
        english: (set(re.findall(r"\{\w+\}", english)), set(re.findall(r"\{\w+\}", words[english])))
        for english in words
    }
    assert [english for english, (own, other) in blanks.items() if own != other] == []
