"""Render, read, clean, augment and save texture datasets.

In: procedural/ and substance/ render, load reads folders (image_files, caption_lookup), from_images takes pictures of a
graph, download fetches lists (download_list, download_record, download_report, addresses).
Between: clean (checks, duplicates), badges (what they say of each), augment (transforms), split_join, bucketing,
material_sets (whose maps are trained on together).
Out: save (save_plan, saved_captions), written_files (what a node wrote before), report. parallel bounds the memory of
all of them.
"""
