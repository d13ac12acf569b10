"""Envoy's launcher: what runs first in Envoy's container, `python -m forebay_operator.launch`.

It writes Envoy's bootstrap, starts it, stands in for the operator while there is none, and ends with it:

options     the command line
files       the bootstrap and the SDS files, in the state directory
operators   whether any operator leads, by gRPC health
standin     an xDS server on loopback with the last good configuration
admin       Envoy's admin interface: is it live, drain, how many requests are under way
envoy       the process: started once, drained, ended
agent       all of it together
"""
