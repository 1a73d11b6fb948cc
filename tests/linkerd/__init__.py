"""Linkerd as a judge: its own charts (`charts`), whom its policies let in (`policy`), what asks that (`controller`)."""
