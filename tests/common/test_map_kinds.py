import pytest
from tilewright.common.map_kinds import NamedMap, maps_by_name, without_previews


@pytest.mark.parametrize(
    ("name", "material", "kind", "convention"),
    [
        ("rock_albedo", "rock", "basecolor", ""),
        ("Bricks076_1K-JPG_Color", "Bricks076_1K-JPG", "basecolor", ""),
        ("Bricks076_1K-JPG_NormalGL", "Bricks076_1K-JPG", "normal", "OpenGL"),
        ("Bricks076_1K-JPG_NormalDX", "Bricks076_1K-JPG", "normal", "DirectX"),
        ("Bricks076_1K-JPG_AmbientOcclusion", "Bricks076_1K-JPG", "ao", ""),
        ("brick_wall_001_diffuse_4k", "brick_wall_001_4k", "basecolor", ""),
        ("brick_wall_001_nor_gl_4k", "brick_wall_001_4k", "normal", "OpenGL"),
        ("brick_wall_001_orm_4k", "brick_wall_001_4k", "packed", ""),
        ("wall_Base_Color.1001", "wall.1001", "basecolor", ""),
        ("wall_Normal_OpenGL", "wall", "normal", "OpenGL"),
        ("wall_normal_directx", "wall", "normal", "DirectX"),
        ("wallBaseColor", "wall", "basecolor", ""),
        ("bricks_0001_height", "bricks_0001", "height", ""),
        ("roughness", "", "roughness", ""),
        ("wall_glossiness", "wall", "gloss", ""),
        ("WallMaskMap", "Wall", "packed", ""),
        ("metal_plate_basecolor", "metal_plate", "basecolor", ""),
        ("wall_normal_v1", "wall_v1", "normal", ""),
        ("wall_normal - Copy", "wall - Copy", "normal", ""),
        ("wall_height_lod1", "wall_lod1", "height", ""),
        ("metal-rust-normal-ogl", "metal-rust", "normal", "OpenGL"),
        ("wall_NormalMap", "wall", "normal", ""),
        ("wall_normal_map", "wall", "normal", ""),
        ("stone_MainTex", "stone", "basecolor", ""),
        ("stone_MetallicGlossMap", "stone", "packed", ""),
        ("stone_ambient_occlusion_map", "stone", "ao", ""),
        ("brick_Roughness_Raw", "brick", "roughness", ""),
        ("brick_BaseColor_sRGB.1001", "brick.1001", "basecolor", ""),
        ("brick_Normal_Utility - Raw", "brick", "normal", ""),
        ("brick_world_normal", "brick", "other", ""),
        ("brick_preview", "brick", "other", ""),
        ("墙_法线", "墙", "normal", ""),
        ("墙_粗糙度_2K", "墙_2K", "roughness", ""),
        ("street_light", "street_light", "", ""),
        ("wood_raw", "wood_raw", "", ""),
        ("gas_mask", "gas_mask", "", ""),
        ("rough_concrete", "rough_concrete", "", ""),
        ("rusty_metal_01", "rusty_metal_01", "", ""),
        ("normality", "normality", "", ""),
        ("bricks_01", "bricks_01", "", ""),
    ],
)
def test_names_of_the_usual_libraries(name, material, kind, convention):
    assert maps_by_name([name])[name] == NamedMap(material, kind, convention)


def test_a_single_letter_needs_a_sibling_map():
    assert maps_by_name(["wall_n"])["wall_n"].kind == ""
    assert maps_by_name(["wall_n", "wall_d"])["wall_n"] == NamedMap("wall", "normal")
    assert maps_by_name(["wall_n", "wall"])["wall_n"].kind == "normal"
    assert maps_by_name(["wall_n", "wall_height"])["wall_n"].kind == "normal"
    assert maps_by_name(["wall_n", "floor_d"])["wall_n"].kind == ""


def test_an_everyday_word_needs_a_sibling_map_too():
    names = ["wall_arm_4k", "wall_rough_4k", "wall_nor_gl_4k", "robot_arm", "scrap_metal"]
    kinds = {name: named.kind for name, named in maps_by_name(names).items()}
    assert kinds == dict(zip(names, ["packed", "roughness", "normal", "", ""], strict=True))


def test_an_alphabet_of_variants_is_not_a_set_of_maps():
    variants = [f"moss_{letter}" for letter in "abcdefghijklmn"]
    assert {named.kind for named in maps_by_name(variants).values()} == {""}


def test_a_mask_of_a_picture_is_no_picture():
    kinds = {name: named.kind for name, named in maps_by_name(["wall", "wall_mask", "wall-masklabel"]).items()}
    assert kinds == {"wall": "", "wall_mask": "other", "wall-masklabel": "other"}


def test_a_preview_beside_the_maps_of_its_material_is_no_map():
    names = ["Bricks001", "Bricks001_1K-JPG_Color", "Bricks001_1K-JPG_NormalGL", "Bricks002"]
    kinds = {name: named.kind for name, named in without_previews(maps_by_name(names)).items()}
    assert kinds == dict(zip(names, ["other", "basecolor", "normal", ""], strict=True))
    alone = without_previews(maps_by_name(["wall", "wall_height"]))
    assert alone["wall"].kind == "", "the only colour that the material has"
