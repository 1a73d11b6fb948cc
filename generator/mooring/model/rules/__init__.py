"""The rules between values, by topic; each has a twin in the chart (templates/_validate*.tpl and _rules_*.tpl).

`table.RULES` is all of them. They import the model and each other, nothing else.
"""
