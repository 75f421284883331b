"""Training with the same dataset and settings in the user's own kohya-ss/sd-scripts, in a separate process.

checkout.py finds them and their Python, tasks.py and flow_models.py say which script trains what. settings.py,
flow_settings.py, tasks.py and extra_arguments.py make the arguments, start_file.py looks at the LoRA that a training
goes on from, dataset_files.py and tokenizer_files.py write what they read, held_back.py chooses what is only measured,
and process.py runs them, through start_script.py where packages lie in a folder. output.py, error_hints.py and
packages.py read what they print; run_folder.py, resume.py and metadata.py take over what they write.
"""
