"""Publishing: one gRPC port that serves delta ADS to Envoy and the data plane, in an order that breaks nothing.

machine     the server without its sockets: who is waited for, what comes next     (pure)
  rollout     which resources are on offer at each stage of a change
  client      one stream: how it stands towards a stage
    ledger      one stream and type: what it has, what it is sent next
server      the sockets; `wire` is the only door to protobuf, `load` takes load reports
"""

from forebay_operator.xds.acknowledgements import Acknowledgements, Kind, Rejection
from forebay_operator.xds.server import XdsServer

__all__ = ["Acknowledgements", "Kind", "Rejection", "XdsServer"]
