"""Caption from parameters, from models, from templates."""
