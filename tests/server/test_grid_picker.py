"""The picker in its nodes: what it outlives, and that it writes plain words which a script may write as well."""

import json

import pytest
from tilewright.common.image_writing import write_png
from torch import full
from widget_matrix import RENDERERS, Matrix, in_page, use_renderer

SCORE_GRID = "TilewrightScoreGrid"
SCORED = {"chosen": "200@0.5", "verdict": ["Chosen: 200@0.5", "Why: it ranks best."]}


def write_grid(output):
    """A scored grid of four cells and the model without LoRA; returns its name."""
    folder = output / "grids" / "picked_by_a_test"
    cells, scores = [], []
    for step, strength, value in ((None, 0.0, 0.1), (100, 0.5, 0.3), (100, 1.0, 0.9), (200, 0.5, 0.6), (200, 1.0, 0.2)):
        lora = f"wall-step{step:08}.safetensors" if step else ""
        picture = f"{step}/{strength}.png"
        write_png(folder / picture, full((3, 16, 16), value))
        choice = f"{step}@{strength:g}" if step else ""
        cells.append({"lora": lora, "step": step, "strength": strength, "choice": choice, "pictures": [picture]})
        refused = "copies" if value == 0.9 else None
        scores.append({"lora": lora, "strength": strength, "value": [value, 0, 1], "refused": refused})
    (folder / "grid.json").write_text(json.dumps({"prompts": ["wall"], "seeds": [1], "cells": cells}))
    (folder / "scores.json").write_text(json.dumps({**SCORED, "cells": scores}))
    return folder.name


@pytest.fixture
def grid(server):
    return write_grid(server.output)


def put(editor, renderer, grid):
    use_renderer(editor, renderer)
    Matrix(editor, renderer, SCORE_GRID, "grid_picker").put()
    in_page(
        editor,
        """const [view] = lib.liveViews(); view.mounted.output({ tilewright_grid: [given] }); await frame();
        Object.assign(app.canvas.ds, { scale: 0.9, offset: [-350, -80] }); app.canvas.setDirty(true, true);
        await frame();""",
        grid,
    )
    editor.locator(".tw-pick").nth(4).wait_for()


def choice(editor):
    return in_page(editor, "return Object.values((await app.graphToPrompt()).output)[0].inputs.choice;")


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("node", ["TilewrightLoraGrid", SCORE_GRID])
def test_the_picker_outlives_what_a_person_does_to_its_node(editor, renderer, node, grid):
    Matrix(editor, renderer, node, "grid_picker").run()


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_cell_is_chosen_by_keys_and_given_back_to_the_rule(editor, renderer, grid):
    put(editor, renderer, grid)
    status = editor.locator(".tw-grid-picker [role=status]")
    assert status.inner_text() == "The rule chose 200 @ 0.5" and choice(editor) == ""
    editor.locator(".tw-pick").nth(1).focus()
    editor.keyboard.press("ArrowDown")
    editor.keyboard.press("Enter")
    assert choice(editor) == "200@0.5" and status.inner_text() == "Your choice: 200 @ 0.5"
    editor.get_by_role("button", name="Let the rule choose").click()
    assert choice(editor) == ""
    editor.locator(".tw-pick").nth(0).evaluate("one => one.click()")  # the model without LoRA is no choice
    assert choice(editor) == ""


def test_cells_are_sorted_by_a_score_and_compared(editor, grid):
    put(editor, "classic", grid)
    editor.get_by_label("Sort by").select_option("value")
    told = editor.locator(".tw-pick-words > span:first-child").all_inner_texts()
    assert told == ["200 @ 0.5", "100 @ 0.5", "200 @ 1", "no LoRA", "100 @ 1"]  # the refused one last
    editor.locator(".tw-pick").nth(1).focus()
    editor.keyboard.press("c")
    dialog = editor.get_by_role("dialog", name="Compare pictures")
    assert dialog.locator("figcaption b").all_inner_texts() == ["200 @ 0.5", "100 @ 0.5"]
    dialog.dispatch_event("keydown", {"key": "Enter", "repeat": True})  # of a key that is still held down
    assert choice(editor) == "" and dialog.count() == 1
    editor.keyboard.press("Enter")
    assert choice(editor) == "100@0.5" and dialog.count() == 0
    editor.locator(".tw-pick").nth(1).focus()
    editor.keyboard.press("c")
    dialog.get_by_role("button", name="Choose this one").first.click()
    assert choice(editor) == "200@0.5"
    editor.locator(".tw-pick").nth(1).focus()
    editor.keyboard.press("c")
    for _ in range(2):
        editor.keyboard.press("ArrowRight")
    assert dialog.get_by_role("button", name="Choose this one").nth(1).is_disabled()  # the model without LoRA
    editor.keyboard.press("Enter")
    editor.keyboard.press("Escape")
    assert choice(editor) == "200@0.5"
    editor.get_by_role("button", name="Let the rule choose").click()


def test_both_nodes_of_a_grid_show_one_choice_and_the_reason_of_the_last_scores(editor, grid, server):
    put(editor, "classic", grid)
    in_page(
        editor,
        """const node = app.graph.add(LiteGraph.createNode("TilewrightLoraGrid")); node.pos = [-200, 120];
        await frame();
        for (const view of lib.liveViews()) if (view.node === node) view.mounted.output({ tilewright_grid: [given] });
        await frame();""",
        grid,
    )

    def told():
        return in_page(
            editor,
            """await frame(); return lib.liveViews().map(view => [view.root.querySelector("[role=status]").textContent,
              view.root.querySelector(".tw-quiet").textContent]);""",
        )

    editor.wait_for_function("() => document.querySelectorAll('.tw-pick').length === 10")
    assert told() == 2 * [["The rule chose 200 @ 0.5", "Why: it ranks best. Click a cell to choose another."]]
    editor.locator(".tw-pick").nth(3).evaluate("one => one.click()")
    assert told() == 2 * [["Your choice: 200 @ 0.5", ""]]
    scores = server.output / "grids" / grid / "scores.json"
    by_hand = {"rule": "100@0.5", "by_hand": True, "verdict": ["Chosen: 200@0.5", "Why: you chose it."]}
    scores.write_text(json.dumps({**json.loads(scores.read_text()), **by_hand}))
    in_page(
        editor,
        """for (const view of lib.liveViews()) if (view.node.type === "TilewrightScoreGrid") {
          view.mounted.output({ tilewright_grid: [given] }); view.setValue("choice", ""); }
        await frame(); await frame();""",
        grid,
    )
    editor.wait_for_function(
        "() => document.querySelectorAll('.tw-pick.tw-rules, .tw-pick[aria-selected=true]').length === 2"
    )
    assert told() == 2 * [["The rule chose 100 @ 0.5", "Click a cell to choose another."]]
