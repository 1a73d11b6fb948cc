"""A model becomes texts: the files of a chart, its schema, its documentation. Pure: no clock, no environment.

`render.render_chart` is what others call. The templates lie beside it; <% %> is ours, {{ }} is Helm's.
"""
