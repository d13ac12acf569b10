"""`forebay explain`: why a request goes where it goes, without any server."""
