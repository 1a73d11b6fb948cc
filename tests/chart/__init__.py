"""What `helm template` makes of the chart, with no cluster. `rendering` renders it; other folders use it too."""
