"""Render, read, clean, augment and save texture datasets."""
