"""Seamless models and VAEs, repair, measuring."""
