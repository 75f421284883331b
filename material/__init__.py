"""Material maps: reading, deriving one from another, checking, packing and writing. Tensors (B, C, H, W), no ComfyUI.

Reading: load_map (a file), map_inputs (a tensor), normal_encodings (the ways to keep normals).
Heights: surface_size (how deep and wide), height_from_image, debanding, combine_heights, height_from_normal,
fused_height (from normals and a height).
Of a height: derivatives, normals, occlusion, curvature; roughness of an image; blending of normals.
Of several maps painted together: split_set.
Files: packing, engine_presets, arrangement (which map goes where), material_files (the folder), map_writers (one file),
gltf, materialx; export_notes and validation say what to know of them.
In the editor: viewed_maps and live_heights (what a browser takes without loss).
Ground: strips (bounded memory), extrapolate (what lies beyond the border), filters (by frequency response).
"""
