"""Captions for the images of a dataset, and prompts.

from_parameters (of a render, with color_names), captioning (models that look), tagging (taggers), template and phrases
(what every caption becomes), report; texture_prompt and wildcards make prompts.
By hand: edits (the journal of them), edited (a dataset with them), listing (what the editor's view shows).
"""
