"""The last good configuration outside of any process: what a new Envoy and a new data plane start from alone."""
