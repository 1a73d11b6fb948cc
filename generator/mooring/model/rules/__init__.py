"""The rules between values, a module for each topic, which is why there are more than ten.

Each has a twin in the chart (templates/_validate*.tpl and _rules_*.tpl); its sentences come from here.

`table.RULES` is all of them. They import the model and each other, nothing else.
"""
