"""The faces of the trainer: schemas and one call each."""
