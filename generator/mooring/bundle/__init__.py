"""The launcher as it travels: as text in a chart, as a directory for Windows nodes, as the rehearsal has it."""
