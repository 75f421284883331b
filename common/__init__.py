"""What several packages share, one concept per module.

Files: files (whole or not at all), locks (one writer at a time), paths (inside the folders allowed), untrusted_json,
manifest, processes, freed_memory.
Images: images (read), image_headers, png_chunks, jpeg_tga_headers, exr_files, tiff_files, tiff_segments,
color_profiles, image_writing, map_files (a map as all rooms see it), thumbnails, map_kinds (how its name is
recognised), map_words (how captions name it), finite (NaN and infinity), errors.
Datasets: texture_dataset, dataset_counts, caption_files, buckets.
Tensors: layout (channels first and last), axes (which wrap), resample, srgb, oklab, conventions (OpenGL and DirectX),
processor (what it multiplies).
Tiling: seams and edge_bands (how visible), wrapped_convolutions.
"""
