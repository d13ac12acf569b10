"""The Kubernetes API as the operator's source: what it holds, how it is followed, and what is written back."""
