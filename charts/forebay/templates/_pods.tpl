{{- /* What every pod of this chart has in common: (dict "root" $ "component" "..." "values" .Values.operator "token" true). */ -}}
{{- define "forebay.pod" -}}
serviceAccountName: {{ include "forebay.serviceAccount" . }}
# Only the operator talks to the API server.
automountServiceAccountToken: {{ default false .token }}
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "forebay.spread" . | trim }}
topologySpreadConstraints:
{{ . }}
{{- end }}
{{- end -}}

{{- define "forebay.spread" -}}
{{- $keys := dict "host" "kubernetes.io/hostname" "zone" "topology.kubernetes.io/zone" -}}
{{- $context := . -}}
{{- range $where := list "host" "zone" }}
{{- $how := index $context.values.topologySpread $where }}
{{- if ne $how "Off" }}
- maxSkew: 1
  topologyKey: {{ index $keys $where }}
  whenUnsatisfiable: {{ $how }}
  # Counted per version of the pods, so that a rollout spreads its own.
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "forebay.selector" $context | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "forebay.podMetadata" -}}
labels:
  {{- /* Without versions: a new chart alone starts no pods anew. */}}
  {{- include "forebay.selector" . | nindent 2 }}
  {{- with merge (deepCopy .values.podLabels) .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ .component }}
  {{- with merge (deepCopy .values.podAnnotations) (default (dict) .annotations) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "forebay.container" -}}
name: {{ .component }}
image: {{ include "forebay.image" . }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end -}}

{{- define "forebay.image" -}}
{{- $image := .values.image -}}
{{- $registry := .root.Values.images.registry | trimSuffix "/" -}}
{{- $repository := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .root.Values.images.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The pod's name is what it is called towards the operator, its address towards its peers. */ -}}
{{- define "forebay.env" -}}
env:
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- with .values.extraEnv }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "forebay.tls.args" -}}
{{- if ne .Values.mtls.mode "none" -}}
- --tls-cert=/etc/forebay/tls/tls.crt
- --tls-key=/etc/forebay/tls/tls.key
- --tls-ca=/etc/forebay/tls/ca.crt
{{- else -}}
- --insecure
{{- end -}}
{{- end -}}

{{- define "forebay.tls.mount" -}}
{{- if ne .Values.mtls.mode "none" -}}
- {name: tls, mountPath: /etc/forebay/tls, readOnly: true}
{{- end -}}
{{- end -}}

{{- define "forebay.tls.secret" -}}
{{- if eq .root.Values.mtls.mode "existing" -}}
{{- $names := dict "operator" "operatorSecret" "data-plane" "dataPlaneSecret" "envoy" "envoySecret" -}}
{{- $key := index $names .component -}}
{{- required (printf "mtls.mode is existing: set mtls.existing.%s to the name of a Secret" $key) (index .root.Values.mtls.existing $key) -}}
{{- else -}}
{{- printf "%s-%s-tls" (include "forebay.fullname" .root) .component -}}
{{- end -}}
{{- end -}}

{{- define "forebay.tls.volume" -}}
{{- if ne .root.Values.mtls.mode "none" -}}
- name: tls
  secret: {secretName: {{ include "forebay.tls.secret" . }}, defaultMode: 0440}
{{- end -}}
{{- end -}}

{{- /*
The last good configuration: an index and up to 15 shards, each in a ConfigMap of its own, because one holds a MiB. A
list of names, because RBAC and volumes know no patterns.
*/ -}}
{{- define "forebay.lastGood.names" -}}
{{- $names := list -}}
{{- range $number := until 16 -}}
{{- $names = append $names (printf "%s-last-good-%d" (include "forebay.fullname" $) $number) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- /* One directory of all. They are the operator's, and absent before its first publication. */ -}}
{{- define "forebay.lastGood.volume" -}}
- name: last-good
  projected:
    sources:
    {{- range include "forebay.lastGood.names" . | fromJsonArray }}
    - configMap: {name: {{ . }}, optional: true}
    {{- end }}
{{- end -}}
