"""The command line: a module for each command, with its options, what it runs and what it prints. Nothing else prints.

It may import every other room, when a command runs; nothing imports it.
"""
