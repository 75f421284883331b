"""What users see, a package for each stage: dataset, captions, training, evaluation, seamless, upscale, material.

Shared: sockets, image_inputs and set_maps (inputs), shown_where and offered (what the editor does with them),
validation (refusing a widget's value), given_values (refusing one that a link gives), help_lines
(what a help page must say of an input).
"""
