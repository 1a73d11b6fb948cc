"""What a value is: one tree that values.yaml, schemas, README, validation and the launcher's configuration are made of.

It imports only `text`. `model.rules` has the rules between values.
"""
