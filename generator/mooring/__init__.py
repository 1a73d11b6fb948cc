"""Turn an App of ten lines into a Helm chart that pairs HostProcess pods with their anchors."""

__version__ = "0.1.0"
