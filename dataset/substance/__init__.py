"""Substance archives: reading them without Substance, and rendering them with sbsrender."""
