"""The maps of a material, and how their names are recognised."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAP_KINDS = ["basecolor", "normal", "roughness", "metallic", "height", "ao", "opacity", "emissive"]
COLOR_MAPS = {"basecolor", "emissive"}  # sRGB; every other map is data and is never colour-converted
OTHER_KINDS = ["gloss", "specular", "packed", "other"]  # recognised, so that they are not taken for basecolor

_WORDS = {
    "basecolor": "basecolor basecolour albedo diffuse diff color colour col bc maintex 颜色 漫反射 基础色 固有色",
    "normal": "normal normals nrm nor norm nmap tangentnormal 法线",
    "roughness": "roughness 粗糙度",
    "metallic": "metallic metalness 金属度",
    "height": "height displacement disp displ bump depth parallax 高度 置换",
    "ao": "ambientocclusion ao occlusion occ 环境光遮蔽",
    "opacity": "opacity alpha transparency 不透明度",
    "emissive": "emissive emission emit 自发光",
    "gloss": "gloss glossiness smoothness 光泽度",
    "specular": "specular spec specularlevel refl 高光",
    "packed": "orm rma mra mrao ordp maskmap metallicsmoothness metallicroughness metallicgloss",
    "other": "curvature thickness translucency anisotropy sheen clearcoat cavity worldnormal objectnormal bentnormal "
    "masklabel detailmask idmap lightmap edgewear preview thumb thumbnail",
}
_KIND_OF_WORD = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_KIND_OF_SHY_WORD = {
    "d": "basecolor",
    "n": "normal",
    "nm": "normal",
    "r": "roughness",
    "rough": "roughness",
    "m": "metallic",
    "metal": "metallic",
    "h": "height",
    "e": "emissive",
    "arm": "packed",
    **dict.fromkeys("mask id edge dirt reflection transmission scattering position uv sss".split(), "other"),
}
_CONVENTIONS = {"gl": "OpenGL", "ogl": "OpenGL", "opengl": "OpenGL", "dx": "DirectX", "directx": "DirectX"}
_TOKEN = re.compile(
    r"(?i:opengl|directx|srgb)|(?i:v|lod)\d+(?![a-z])|\d+[kK]?(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+"
)
_NO_NAME = re.compile(
    r"\d+k?|jpe?g|png|exr|tiff?|tga|webp|psd|px|var|udim"  # resolution, format, number, UDIM tile
    r"|(v|lod)\d+|copy|kopie|copie|copia|final|seamless|tile|tiled|tileable"  # which one of several, as people say
    r"|srgb|raw|linear|utility|acescg|aces"  # colour spaces, which Substance Painter and others write last
)
_OF_THE_MAP = "opengl|directx|o?gl|dx|srgb|raw|linear|utility|acescg|aces"  # and not of the material
_MAP = ("map", "tex", "texture")  # "NormalMap"


@dataclass(frozen=True)
class NamedMap:
    """What a file's name says. material is the name without the map's word: what sibling maps share.

    kind is one of MAP_KINDS or OTHER_KINDS, "" where the name does not say; convention is "OpenGL", "DirectX" or "".
    """

    material: str
    kind: str = ""
    convention: str = ""


def maps_by_name(names: Iterable[str]) -> dict[str, NamedMap]:
    """What the names of one folder's images say, without their endings.

    The map's word comes last, before nothing but resolution, format, numbers, versions, colour spaces and the normal's
    convention. Single letters and everyday words ("wall_n", "rusty_metal", "gas_mask") count only where the same name
    has other maps, and no letter that means no map.
    """
    found = {name: _named_map(name) for name in names}
    shy = {name: named for name in found if not found[name].kind and (named := _shy(name))}
    materials = {named.material for name, named in found.items() if name not in shy}
    for material in {named.material for named in shy.values()}:
        family = {name: named for name, named in shy.items() if named.material == material}
        kinds = [named.kind for named in family.values()]
        if all(kinds) and (material in materials or len(set(kinds)) > 1):
            found.update(family)
    return found


def without_previews(found: Mapping[str, NamedMap]) -> dict[str, NamedMap]:
    """What `maps_by_name` found, with pictures named as a material that has a basecolor of its own as "other".

    "Bricks001" beside "Bricks001_1K-JPG_Color" is the preview that a library adds.
    """
    owners = {_bare(named.material) for named in found.values() if named.kind == "basecolor"}
    return {
        name: NamedMap(name, "other") if not named.kind and name in owners else named for name, named in found.items()
    }


def _bare(material: str) -> str:
    """A material's name without a resolution and a format behind it."""
    return re.sub(r"([_\-. ]+(\d+k|jpe?g|png|exr|tiff?))+$", "", material, flags=re.IGNORECASE)


def _named_map(name: str) -> NamedMap:
    tokens = _significant_tokens(name)
    convention = ""
    if tokens and (convention := _CONVENTIONS.get(_text(tokens[-1]), "")):
        tokens = tokens[:-1]
    for width in (3, 2, 1):
        words = tokens[-width:]
        joined, glued = _split_convention("".join(map(_text, words)))
        if len(words) == width and (kind := _kind_of(joined)):
            return NamedMap(_without(name, words), kind, convention or glued if kind == "normal" else "")
    return NamedMap(name)


def _kind_of(word: str) -> str:
    """The kind of "normal", "normalmap" or "basecolortexture", "" for a word that means none."""
    bare = next((word.removesuffix(end) for end in _MAP if word.endswith(end)), word)
    return _KIND_OF_WORD.get(word) or _KIND_OF_WORD.get(bare, "")


def _shy(name: str) -> NamedMap | None:
    """The name taken for one that ends in a shy word, kind "" where it ends in a letter that means no map."""
    tokens = _significant_tokens(name)
    word = _text(tokens[-1]) if len(tokens) > 1 else ""
    if word in _KIND_OF_SHY_WORD or len(word) == 1:
        return NamedMap(_without(name, tokens[-1:]), _KIND_OF_SHY_WORD.get(word, ""))
    return None


def _significant_tokens(name: str) -> list[re.Match[str]]:
    tokens = list(_TOKEN.finditer(name))
    while tokens and _NO_NAME.fullmatch(_text(tokens[-1])):
        tokens.pop()
    return tokens


def _text(token: re.Match[str]) -> str:
    return token[0].lower()


def _split_convention(word: str) -> tuple[str, str]:
    """ "normalgl" -> "normal", "OpenGL"."""
    for ending, convention in (("gl", "OpenGL"), ("dx", "DirectX")):
        if word.endswith(ending) and _KIND_OF_WORD.get(word[:-2]) == "normal":
            return word[:-2], convention
    return word, ""


def _without(name: str, words: list[re.Match[str]]) -> str:
    """The name without these tokens and the convention and colour space after them; what lies behind (a UDIM tile)
    stays."""
    rest = re.sub(f"^([_. -]*({_OF_THE_MAP})(?![a-z]))+", "", name[words[-1].end() :], flags=re.IGNORECASE)
    return name[: words[0].start()].rstrip("_-. ") + rest
