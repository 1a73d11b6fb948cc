"""YAML read with the place of each value and written so that every reader agrees; Markdown; Jinja."""
