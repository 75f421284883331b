"""The same dataset and settings through kohya-ss/sd-scripts, as the user has it, in a process of its own.

checkout.py finds the scripts and their Python; settings.py, network_settings.py and extra_arguments.py say what they
are told; dataset_files.py writes what they read; process.py runs them, output.py and error_hints.py read what they
print, and run_folder.py takes over what they write.
"""
