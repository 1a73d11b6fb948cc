"""What users write: Apps and Platforms, read with the place of each value; locks, explanations, own templates.

It imports the model and texts, and knows nothing of charts.
"""
