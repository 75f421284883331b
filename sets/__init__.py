"""All maps of a material from one sampling: rows of a batch that see each other. Plain torch, no ComfyUI.

shared_rows (what one row sees of its siblings), placed_rows (and where in them, for UNets), prompt_rows (their texts
brought to one length), given_rows (maps that are known), row_guidance (how much each follows its prompt).
"""
