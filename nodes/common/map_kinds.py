"""The maps of a material, and how their names are recognised."""

MAP_KINDS = ["basecolor", "normal", "roughness", "metallic", "height", "ao", "opacity", "emissive"]
COLOR_MAPS = {"basecolor", "emissive"}  # sRGB; every other map is data and is never colour-converted
