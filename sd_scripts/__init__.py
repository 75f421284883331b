"""The same dataset and settings through kohya-ss/sd-scripts, as the user has it, in a process of its own.

checkout.py finds them and their Python, scripts.py says which one trains what. settings.py, task_settings.py and
extra_arguments.py are what they are told, dataset_files.py writes what they read, and process.py runs them. output.py,
error_hints.py and packages.py read what they print; run_folder.py, resume.py and metadata.py take over what they write.
"""
