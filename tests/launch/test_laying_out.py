import copy

import pytest
from tilewright.launch.hosts import PACK, HostError
from tilewright.launch.layered import TITLE, extent, layered
from tilewright.launch.workflows import by_inner_id, check_kept, folds, note_text, sizes_of, with_lasting_ids

PROMPT = {
    "1": {"class_type": "Load", "inputs": {"folder": "walls", "limit": 1}, "_meta": {"group": "1 Load"}},
    "2": {"class_type": "Save", "inputs": {"images": ["1", 0]}, "_meta": {"group": "2 Save"}},
    "3": {"class_type": "Show", "inputs": {"images": ["1", 0]}, "_meta": {"group": "1 Load"}},
}


def test_a_graph_that_says_all_of_the_api_file_and_more_passes():
    made = copy.deepcopy(PROMPT)
    made["1"]["inputs"]["quality"] = 90
    check_kept(PROMPT, made)


@pytest.mark.parametrize("change", [{"folder": "fixed"}, {"folder": None}])
def test_a_value_that_the_frontend_put_elsewhere_is_told(change):
    made = copy.deepcopy(PROMPT)
    made["1"]["inputs"] |= change
    with pytest.raises(HostError, match=r"node 1 \(Load\): folder is .*, not 'walls'"):
        check_kept(PROMPT, made)


def test_a_link_that_was_lost_is_told():
    made = copy.deepcopy(PROMPT)
    del made["2"]["inputs"]["images"]
    with pytest.raises(HostError, match=r"node 2 \(Save\): images is None"):
        check_kept(PROMPT, made)


def apart(layout, sizes):
    boxes = [(x, y - TITLE, x + layout.widths[name], y + sizes[name][1]) for name, (x, y) in layout.places.items()]
    return all(
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        for number, a in enumerate(boxes)
        for b in boxes[number + 1 :]
    )


def fed_by(**sources):
    return {name: [(source, 0) for source in names] for name, names in sources.items()}


def test_links_run_to_the_right_and_no_node_lies_over_another():
    feeding = fed_by(load=[], model=[], paint=["load", "model"], save=["paint"], show=["paint"], tell=[])
    sizes = {name: (300.0, 200.0 + 50 * number) for number, name in enumerate(feeding)}
    layout = layered(feeding, sizes)
    for name, sources in feeding.items():
        assert all(layout.places[source][0] + layout.widths[source] < layout.places[name][0] for source, _ in sources)
    assert apart(layout, sizes)


def test_many_ends_are_spread_over_columns_until_the_whole_fits_the_view_best():
    feeding = fed_by(start=[]) | {f"end {number}": [("start", 0)] for number in range(9)}
    sizes = dict.fromkeys(feeding, (300.0, 400.0))
    layout = layered(feeding, sizes, view=(1600.0, 1000.0))
    width, height = extent(layout.places, sizes, layout.widths)
    assert 0.9 < width / height < 2.6
    assert apart(layout, sizes)


def test_a_link_over_a_column_runs_above_its_nodes_and_those_of_one_output_together():
    feeding = fed_by(model=[], train=["model"], paint=["train", "model"], save=["paint", "model"])
    layout = layered(feeding, dict.fromkeys(feeding, (300.0, 200.0)))
    (route,) = layout.routes
    assert route.output == ("model", 0) and [list(names) for _, names in route.ends] == [["paint"], ["save"]]
    height = route.start[1]
    assert {place[1] for place, _ in route.ends} == {height}
    assert all(layout.places[name][1] - TITLE > height for name in ("train", "paint"))
    assert layout.places["model"] == (0, TITLE)
    assert layout.places["model"][0] + 300 < route.start[0] < layout.places["train"][0]
    assert layout.places["train"][0] + 300 < route.ends[0][0][0] < layout.places["paint"][0]


def test_links_above_the_same_column_do_not_lie_over_each_other_and_those_after_each_other_share_a_height():
    feeding = fed_by(a=[], b=["a"], c=["b", "a"], d=["c", "b"], e=["d", "c"])
    layout = layered(feeding, dict.fromkeys(feeding, (300.0, 200.0)))
    heights = {route.output[0]: route.start[1] for route in layout.routes}
    assert heights["a"] == heights["c"] != heights["b"]


def test_nodes_of_a_column_are_as_wide_as_its_widest_but_for_the_sockets_of_a_subgraph():
    feeding = fed_by(load=[], entry=[], paint=["load", "entry"])
    layout = layered(feeding, {"load": (420, 90), "entry": (130, 60), "paint": (300, 90)}, fixed=["entry"])
    assert layout.widths == {"load": 420, "entry": 130, "paint": 300}
    assert layout.places["entry"][0] == 420 - 130  # its outputs stand where those of the others do


def test_a_circle_of_nodes_is_told():
    with pytest.raises(ValueError, match="in a circle"):
        layered(fed_by(a=["b"], b=["a"]), {"a": (1, 1), "b": (1, 1)})


def node(class_type, group, title="a node", **inputs):
    return {"class_type": class_type, "inputs": inputs, "_meta": {"group": group, "title": title}}


def test_steps_of_a_large_graph_become_subgraphs_and_what_shows_pictures_stays_in_sight():
    prompt = {str(number): node("Blur", "1 Blur", image=["0", 0]) for number in range(1, 14)}
    prompt |= {"20": node("SaveImage", "1 Blur"), "21": node("CLIPTextEncode", "2 Say", "Prompt", text="brick")}
    (blur,) = folds(prompt)
    assert blur["title"] == "1 Blur" and set(blur["members"]) == set(prompt) - {"20", "21"}
    prompt["22"] = node("KSampler", "2 Say", "Sampler", seed=3, model=["21", 0])
    say = folds(prompt)[1]
    assert [(one["id"], one["label"]) for one in say["widgets"]] == [("21", "Prompt"), ("22", "seed")]


def test_a_socket_whose_name_says_nothing_is_given_another():
    prompt = {str(number): node("Blur", "1 Blur", image=["0", 0]) for number in range(1, 14)}
    prompt["1"]["_meta"]["names"] = {"string_a": "checkpoints"}
    assert folds(prompt)[0]["names"] == [{"id": "1", "name": "string_a", "label": "checkpoints"}]


@pytest.mark.parametrize("count", [10, 13])
def test_names_that_no_subgraph_shows_are_refused(count):
    prompt = {str(number): node("Blur", "1 Blur", image=["0", 0]) for number in range(1, count)}
    prompt["20"] = node("PreviewAny", "1 Blur")
    prompt["20"]["_meta"]["names"] = {"source": "report"}
    with pytest.raises(HostError, match="Node 20 .* in no subgraph"):
        folds(prompt)


def test_a_small_graph_stays_open():
    assert folds(PROMPT) == []


def test_a_node_is_as_tall_as_in_the_taller_renderer_with_room_for_its_picture():
    nodes = [
        {"id": "1", "type": "SaveImage", "size": [300, 60]},
        {"id": "2", "type": "KSampler", "size": [320, 250]},
        {"id": "9:3", "type": "KSampler", "size": [320, 100]},
    ]
    sizes = sizes_of(nodes, {"1": 70, "2": 200})
    assert sizes_of(nodes, {"1": 70, "2": 200}, {"1": 333})["1"] == (300, 403)
    assert sizes_of(nodes, {"1": 70, "2": 200}, {"1": 333}, {"1": 480, "2": 300})["1"] == (480, 403)
    assert sizes_of(nodes, {}, widths={"2": 300})["2"] == (320, 332.5), "no node is made narrower than it is"
    assert sizes["1"][1] >= 70 + 200 and sizes["2"] == (320, 250) and sizes["9:3"] == (320, 133)


def test_ids_of_a_folded_graph_are_those_of_its_api_file():
    made = {"9:1": {"inputs": {"image": ["9:2", 0], "size": 4}}, "2": {"inputs": {"image": ["9:1", 1]}}}
    assert by_inner_id(made) == {"1": {"inputs": {"image": ["2", 0], "size": 4}}, "2": {"inputs": {"image": ["1", 1]}}}


def test_words_to_type_are_bold_in_a_note():
    assert note_text("Set `name` to `brick wall`.") == "Set **name** to **brick wall**."


def test_no_graph_says_null_where_the_editor_says_nothing():
    """The editor of 1.58 does not load a graph whose floatingLinks are null."""
    for graph in sorted((PACK / "workflows").glob("*.json")):
        text = graph.read_text(encoding="utf-8")
        assert '"floatingLinks": null' not in text and '"reroutes": null' not in text, graph.name


def test_no_graph_remembers_what_its_views_showed_where_it_was_made():
    for graph in sorted([*(PACK / "workflows").glob("*.json"), *(PACK / "subgraphs").glob("*.json")]):
        assert '"tilewright.' not in graph.read_text(encoding="utf-8"), graph.name


def test_ids_that_the_editor_draws_follow_from_the_name_of_the_graph():
    zero, one, other = (f"{letter * 8}-4c40-47f7-a650-ab64eb6f2146" for letter in "0ab")
    graph = {"id": zero, "nodes": [{"type": one}], "definitions": {"subgraphs": [{"id": one, "inputs": [other]}]}}
    drawn_again = {
        "id": zero,
        "nodes": [{"type": other}],
        "definitions": {"subgraphs": [{"id": other, "inputs": [one]}]},
    }
    lasting = with_lasting_ids(graph, "mosaic")
    assert lasting == with_lasting_ids(drawn_again, "mosaic") != with_lasting_ids(graph, "other")
    assert lasting["id"] == zero and lasting["nodes"][0]["type"] == lasting["definitions"]["subgraphs"][0]["id"] != one
