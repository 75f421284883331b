import copy

import pytest
from tilewright.launch.hosts import HostError
from tilewright.launch.workflows import check_kept, lay_out

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


def test_each_group_gets_a_box_around_its_nodes_and_links_run_to_the_right():
    positions, boxes = lay_out(PROMPT, {node: (300, 100) for node in PROMPT})
    assert [box["title"] for box in boxes] == ["1 Load", "2 Save"]
    assert positions["3"][0] >= positions["1"][0] + 300
    for node, box in (("1", 0), ("3", 0), ("2", 1)):
        (x, y), (left, top), (width, height) = positions[node], boxes[box]["pos"], boxes[box]["size"]
        assert left < x and x + 300 < left + width
        assert top < y and y + 100 < top + height
