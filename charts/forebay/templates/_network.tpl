{{- /* Nobody may read metrics unless it is said who; kubelets' probes are not subject to NetworkPolicies. */ -}}
{{- define "forebay.metricsIngress" -}}
{{- with .root.Values.networkPolicy.metrics }}
- from:
  {{- toYaml . | nindent 2 }}
  ports: [{protocol: TCP, port: {{ $.port }}}]
{{- end }}
{{- end -}}

{{- define "forebay.dnsEgress" -}}
- ports:
  {{- range .Values.networkPolicy.dnsPorts }}
  - {protocol: UDP, port: {{ . }}}
  - {protocol: TCP, port: {{ . }}}
  {{- end }}
  {{- with .Values.networkPolicy.dnsPeers }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "forebay.poolEgress" -}}
{{- with .Values.networkPolicy.pools -}}
{{- if or .ports .peers -}}
-
  {{- if .ports }}
  ports:
  {{- range .ports }}
  - {protocol: TCP, port: {{ . }}}
  {{- end }}
  {{- end }}
  {{- if .peers }}
  to:
  {{- toYaml .peers | nindent 2 }}
  {{- end }}
{{- else -}}
- {}
{{- end }}
{{- end }}
{{- end -}}
