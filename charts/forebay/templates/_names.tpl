{{- define "forebay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Short enough for the longest suffix, which is `-data-plane-metrics`, in a name of 63 characters. */ -}}
{{- define "forebay.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "forebay.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "forebay.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Of cluster-scoped objects, so that releases in two namespaces do not meet. */ -}}
{{- define "forebay.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "forebay.fullname" .) -}}
{{- end -}}

{{- define "forebay.selector" -}}
app.kubernetes.io/name: {{ include "forebay.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "forebay.labels" -}}
app.kubernetes.io/name: {{ include "forebay.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: forebay
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /*
Metadata of one object: (dict "root" $ "component" "operator"), and where they are not the usual ones "name"
(fullname-component), "namespace" (the release's; "" for none), "labels" and "annotations".
*/ -}}
{{- define "forebay.metadata" -}}
{{- $namespace := ternary .namespace .root.Release.Namespace (hasKey . "namespace") -}}
name: {{ default (printf "%s-%s" (include "forebay.fullname" .root) .component) .name }}
{{- with $namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "forebay.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (deepCopy (default (dict) .annotations)) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "forebay.serviceAccount" -}}
{{- default (printf "%s-%s" (include "forebay.fullname" .root) .component) .values.serviceAccount.name -}}
{{- end -}}

{{- /* A Service's name within the cluster: (dict "root" $ "component" "operator"). */ -}}
{{- define "forebay.host" -}}
{{- printf "%s-%s.%s.svc.%s" (include "forebay.fullname" .root) .component .root.Release.Namespace .root.Values.clusterDomain -}}
{{- end -}}

{{- /* A listen address for gRPC, which wants brackets around IPv6. */ -}}
{{- define "forebay.listen" -}}
{{- if contains ":" .address -}}[{{ .address }}]:{{ .port }}{{- else -}}{{ .address }}:{{ .port }}{{- end -}}
{{- end -}}
