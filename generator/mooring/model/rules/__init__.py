"""The rules between values, by topic; each has a twin in the chart's templates of the same name.

`table.RULES` is all of them. They import the model and each other, nothing else.
"""
