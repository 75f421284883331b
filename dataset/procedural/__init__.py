"""Materials drawn by arithmetic: tileable by construction, seeded, with aligned maps and named parameters.

`render.render_material` is the way in; it needs no ComfyUI. Each material module turns drawn parameters into a
`surface.Surface`; `torus` holds the coordinates and the noise that they all build on.
"""
