"""How the picker orders and names the cells of a grid: by the module itself, in a browser without ComfyUI."""


def told(web, body, given=None):
    """What JavaScript gives that knows the module as `m`."""
    return web.evaluate(f"async given => {{ const m = await import('/web/grid/cells.js'); {body} }}", given)


def cell(lora, step, strength, value=None, refused=None):
    scores = None if value is None else {"value": [value, value - 0.1, value + 0.1], "refused": refused}
    row = lora.split(".")[0] if step is None else step
    return {
        "lora": lora,
        "step": step,
        "strength": strength,
        "choice": f"{row}@{strength:g}" if lora else "",
        "pictures": ["x"],
        "scores": scores,
    }


CELLS = [
    cell("", None, 0.0, 0.1),
    cell("wall-step100.safetensors", 100, 0.5, 0.4),
    cell("wall-step100.safetensors", 100, 1.0, 0.9, "copies"),
    cell("sub/wall.safetensors", 200, 0.5, 0.6),
    cell("sub/wall.safetensors", 200, 1.0),
]


def test_cells_are_sorted_by_a_score_and_the_refused_and_unscored_come_last(web):
    assert told(web, "return m.sorted(given, 'value');", CELLS) == [3, 1, 0, 2, 4]
    assert told(web, "return m.sorted(given, 'grid');", CELLS) == [0, 1, 2, 3, 4]
    assert told(web, "return m.ordersOf(given);", CELLS) == ["grid", "value"]


def test_a_choice_names_the_cell_that_the_node_takes_for_it(web):
    from tilewright.common.errors import InputError
    from tilewright.evaluation.cells import Cell, find_cell

    given = [*CELLS, cell("other/wall.safetensors", None, 0.5), cell("third/wall.safetensors", None, 0.5)]
    cells = [Cell(one["lora"], one["strength"], one["step"]) for one in given]
    for choice in (
        "100@0.5",
        "200@1",
        "200@1.0",
        "wall@0.5",
        "sub/wall.safetensors@1",
        "300@1",
        "100",
        "no LoRA@0",
        "@1",
        "other/wall@0.5",
        "third\\wall.safetensors@0.5",
    ):
        try:
            node = cells.index(find_cell(choice, cells))
        except InputError:
            node = -1
        assert told(web, "return m.chosenCell(given[0], given[1]);", [given, choice]) == node, choice


def test_two_runs_at_the_same_step_are_chosen_by_what_the_listing_calls_them(web):
    from tilewright.evaluation.cells import Cell, find_cell, named

    cells = [Cell(f"{run}/wall.safetensors", strength, 500) for run in ("a", "b") for strength in (0.5, 1.0)]
    given = [{**cell(one.lora, one.step, one.strength), "choice": named(one, cells)} for one in cells]
    for number, one in enumerate(cells):
        choice = named(one, cells)
        assert find_cell(choice, cells) is one
        assert told(web, "return m.chosenCell(given[0], given[1]);", [given, choice]) == number
    assert told(web, "return m.chosenCell(given[0], given[1]);", [given, "500@1"]) == -1


def test_arrow_keys_walk_the_grid_and_stay_in_it(web):
    keys = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End", "x"]
    assert told(web, "return given.map(key => m.stepTo(key, 4, 6, 3));", keys) == [5, 3, 4, 1, 0, 5, 4]
    assert told(web, "return m.columnsOf(given);", CELLS) == 2
