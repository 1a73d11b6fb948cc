"""What `helm template` renders from the chart, without a cluster. `rendering` renders it; other folders use it too."""
