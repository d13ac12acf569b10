{{- /*
Seconds that the data plane goes on after it was told to stop. Its endpoint leaves Envoy's configuration at once; what
takes long is the case in which Envoy is told to stop, too.
*/ -}}
{{- define "forebay.dataPlane.preStop" -}}
{{- if .Values.envoy.enabled -}}
{{- add .Values.envoy.preStopSeconds .Values.envoy.drainSeconds -}}
{{- else -}}
5
{{- end -}}
{{- end -}}
