"""Envoy's protobuf messages <-> our own frozen values: the one door to `xds-protos` on the request path."""
