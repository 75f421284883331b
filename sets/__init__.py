"""All maps of a material from one sampling: rows of a batch that see each other. Plain torch, no ComfyUI.

shared_rows (what one row sees of its siblings), same_places (what it sees of them in UNets, which know no places),
prompt_rows (their texts brought to one length), given_rows (maps that are known), row_guidance (how much each follows
its prompt).
"""
