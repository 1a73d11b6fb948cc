"""A model becomes texts: the files of a chart, its schema, its documentation. Pure: no clock, no environment.

Others call `render.render_chart`. Templates are in templates/; <% %> is ours, {{ }} is Helm's.
"""
