"""A training outside the graph: export writes all of it but the model's file into a folder, train trains that."""
