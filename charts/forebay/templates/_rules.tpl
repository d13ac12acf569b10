{{- /* What the operator must read and write wherever policies and pools are. */ -}}
{{- define "forebay.rules.watched" -}}
- apiGroups: [forebay.dev]
  resources: [routingpolicies, modelpools]
  verbs: [list, watch]
- apiGroups: [forebay.dev]
  resources: [routingpolicies/status, modelpools/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [referencegrants]
  verbs: [list, watch]
{{- if .Values.inferencePools.enabled }}
- apiGroups: [inference.networking.k8s.io]
  resources: [inferencepools]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{- define "forebay.rules.configMaps" -}}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [list, watch]
{{- end -}}

{{- define "forebay.rules.gateways" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  verbs: [list, watch]
# An apply is a patch, and a create where there is nothing yet.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, referencegrants]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [gateway.envoyproxy.io]
  resources: [envoyextensionpolicies, clienttrafficpolicies, backends, httproutefilters, envoypatchpolicies]
  verbs: [list, watch, create, patch, delete]
# A team's own: whether their Envoys take internal listeners.
- apiGroups: [gateway.envoyproxy.io]
  resources: [envoyproxies]
  verbs: [list, watch]
{{- end -}}

{{- define "forebay.operatorSubject" -}}
- kind: ServiceAccount
  name: {{ include "forebay.serviceAccount" (dict "root" . "component" "operator" "values" .Values.operator) }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
