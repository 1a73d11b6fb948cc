"""Say how every other object is related to the imported programs: `settle`.

`selectors` finds label selectors in an object of any kind, `references` finds names of Services and other objects.
"""
