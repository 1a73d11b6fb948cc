"""What `make bench` measures: figures, never a test that a slow machine could fail."""
