"""`mooring rehearse`: the sandbox, its containers, and the API that it embeds."""
