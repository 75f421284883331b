"""The commands of `run.py`, and what they are made of.

A ComfyUI: hosts (finding or installing it), server and parent_watchdog (a run's own), client (its API), browser (its
editor), run_module (modules of the pack outside it), terminal.
Commands: demo, serve, train_run; architecture (with house, which reads the imports); lay_out (workflows and blueprints,
with layered and editor_scripts); pictures; help_pictures (help_graph, help_maps, help_textures); train_demo_model
(demo_model_course, demo_model_report).
"""
