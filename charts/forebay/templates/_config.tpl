{{- define "forebay.config" -}}
{{- $config := dict -}}
{{- if .Values.envoy.enabled -}}
{{- $listeners := list -}}
{{- range .Values.envoy.listeners -}}
{{- $listener := dict "address" $.Values.bindAddress "port" (int .port) -}}
{{- with .tlsSecret -}}
{{- /* Paths in Envoy's pod: the operator names the files and never sees them. */ -}}
{{- $files := dict "certFile" (printf "/etc/forebay/listeners/%s/tls.crt" .) "keyFile" (printf "/etc/forebay/listeners/%s/tls.key" .) -}}
{{- $_ := set $listener "tls" $files -}}
{{- end -}}
{{- with .accessLog -}}
{{- $_ := set $listener "accessLog" . -}}
{{- end -}}
{{- with .jwt -}}
{{- $_ := set $listener "jwt" . -}}
{{- end -}}
{{- with .allowedRoutes -}}
{{- $_ := set $listener "allowedRoutes" (include "forebay.allowedRoutes" (dict "root" $ "given" .) | fromJson) -}}
{{- end -}}
{{- $hostnames := list -}}
{{- range .hostnames -}}
{{- $allowed := include "forebay.allowedRoutes" (dict "root" $ "given" .allowedRoutes) | fromJson -}}
{{- $hostnames = append $hostnames (dict "hostname" .hostname "allowedRoutes" $allowed) -}}
{{- end -}}
{{- with $hostnames -}}
{{- $_ := set $listener "hostnames" . -}}
{{- end -}}
{{- $listeners = append $listeners $listener -}}
{{- end -}}
{{- $_ := set $config "listeners" $listeners -}}
{{- end -}}
{{- if .Values.trust.configMap -}}
{{- $_ := set $config "trust" (dict "caFile" (printf "/etc/forebay/trust/%s" .Values.trust.key)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* `Same` means the release's namespace, which only Helm knows: the file says it by name, wherever it is read. */ -}}
{{- define "forebay.allowedRoutes" -}}
{{- if eq "Same" (dig "namespaces" "from" "All" .given) -}}
{{- $selector := dict "matchLabels" (dict "kubernetes.io/metadata.name" .root.Release.Namespace) -}}
{{- dict "namespaces" (dict "from" "Selector" "selector" $selector) | toJson -}}
{{- else -}}
{{- .given | toJson -}}
{{- end -}}
{{- end -}}

{{- /* The Secrets that listeners name, each once. */ -}}
{{- define "forebay.listenerSecrets" -}}
{{- $secrets := list -}}
{{- range .Values.envoy.listeners -}}
{{- with .tlsSecret -}}{{- $secrets = append $secrets . -}}{{- end -}}
{{- end -}}
{{- uniq $secrets | toJson -}}
{{- end -}}

{{- /* Secrets may have dots and 253 characters, volumes neither. */ -}}
{{- define "forebay.listenerVolume" -}}
listener-{{ sha256sum . | trunc 12 }}
{{- end -}}
