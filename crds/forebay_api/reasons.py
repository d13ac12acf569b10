"""Condition types and reasons: constants that conditions, Events, documentation and tests share."""

from __future__ import annotations

from typing import Literal

ConditionType = Literal["Ready", "Accepted", "ResolvedRefs", "Programmed", "Saturated", "Stalled", "FullySupported"]
Reason = Literal[
    "Pending",
    "Ready",
    "NotReady",
    "Accepted",
    "Invalid",
    "Conflicted",
    "TargetNotFound",
    "NotAllowedByListeners",
    "ResolvedRefs",
    "PoolNotFound",
    "ServiceNotFound",
    "RefNotFound",
    "RefNotPermitted",
    "SecretNotFound",
    "ConfigMapNotFound",
    "ConfigMapInvalid",
    "Programmed",
    "PartiallyProgrammed",
    "Overridden",
    "Rejected",
    "NoDataPlane",
    "FullySupported",
    "FeaturesMissing",
    "NoReadyEndpoints",
    "BelowThreshold",
    "QueueDepth",
    "KVCache",
    "InFlight",
    "TelemetryStale",
]
