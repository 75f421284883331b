import pytest
from tilewright.dataset.substance.description import SubstanceGraph, SubstanceInput, SubstanceOutput
from tilewright.dataset.substance.plan import plan_variants, value_at

OUTPUTS = (SubstanceOutput("basecolor"), SubstanceOutput("height"))
WEAR = SubstanceInput("wear", 0, "slider", default=(0.5,), minimum=(0.0,), maximum=(1.0,), outputs=("basecolor",))
DEPTH = SubstanceInput("depth", 0, "slider", default=(0.5,), minimum=(0.0,), maximum=(1.0,), outputs=("height",))
GRAPH = SubstanceGraph("pkg://a", inputs=(WEAR, DEPTH), outputs=OUTPUTS)


@pytest.mark.parametrize(
    ("one", "points", "values"),
    [
        (SubstanceInput("a", 0, minimum=(0.0,), maximum=(1.0,), step=(0.25,)), [0, 0.19, 0.5, 0.999], [0, 0, 0.5, 1]),
        (SubstanceInput("a", 4, minimum=(1.0,), maximum=(4.0,)), [0, 0.26, 0.5, 0.999], [1, 2, 3, 4]),
        (SubstanceInput("a", 4, "togglebutton"), [0, 0.49, 0.5, 1], [0, 0, 1, 1]),
        (SubstanceInput("a", 4, choices=((3, "x"), (7, "y"))), [0, 0.49, 0.5, 1], [3, 3, 7, 7]),
        (SubstanceInput("a", 0, minimum=(2.0,), maximum=(2.0,), step=(0.1,)), [0, 1], [2, 2]),
    ],
    ids=["steps", "integers", "boolean", "choices", "no range"],
)
def test_values_lie_on_the_steps_of_their_range(one, points, values):
    assert [value_at(one, [point])[0] for point in points] == values


def test_a_colour_keeps_its_alpha():
    tint = SubstanceInput("tint", 3, "color", default=(0, 0, 0, 0.5))
    assert value_at(tint, [0.1, 0.2, 0.3, 0.9]) == (0.1, 0.2, 0.3, 0.5)


def test_only_what_affects_the_wanted_outputs_varies():
    plan = plan_variants(GRAPH, OUTPUTS[:1], 8, seed=0)
    assert {frozenset(variant.values) for variant in plan} == {frozenset({"wear"})}
    both = plan_variants(GRAPH, OUTPUTS, 8, seed=0, vary=["depth"])
    assert {variant.values["wear"] for variant in both} == {(0.5,)}
    assert len({variant.values["depth"] for variant in both}) == 8


def test_the_range_is_covered_evenly():
    plan = plan_variants(GRAPH, OUTPUTS, 64, seed=0)
    for name in ("wear", "depth"):
        eighths = [min(int(variant.values[name][0] * 8), 7) for variant in plan]
        assert {eighths.count(number) for number in range(8)} <= {7, 8, 9}


def test_the_same_seed_is_the_same_plan_and_more_begin_alike():
    assert plan_variants(GRAPH, OUTPUTS, 8, seed=3) == plan_variants(GRAPH, OUTPUTS, 20, seed=3)[:8]
    assert plan_variants(GRAPH, OUTPUTS, 8, seed=3) != plan_variants(GRAPH, OUTPUTS, 8, seed=4)
