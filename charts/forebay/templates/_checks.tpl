{{- /* What a schema cannot say of values, because it compares two of them. */ -}}
{{- define "forebay.checks" -}}
{{- range $key := list "dataPlane" "envoy" -}}
{{- with (index $.Values $key).autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas is %d, above maxReplicas, which is %d: raise the one or lower the other" $key (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $at, $listener := $.Values.envoy.listeners -}}
{{- $seen := dict -}}
{{- range $index, $provider := (default (dict) $listener.jwt).providers -}}
{{- if hasKey $seen $provider.name -}}
{{- fail (printf "envoy.listeners[%d].jwt.providers[%d].name is %s, as in providers[%d]: give each provider its own" $at $index $provider.name (int (get $seen $provider.name))) -}}
{{- end -}}
{{- $_ := set $seen $provider.name $index -}}
{{- end -}}
{{- end -}}
{{- range $at, $listener := $.Values.envoy.listeners -}}
{{- $seen := dict -}}
{{- range $index, $entry := $listener.hostnames -}}
{{- if hasKey $seen $entry.hostname -}}
{{- fail (printf "envoy.listeners[%d].hostnames[%d].hostname is %s, as in hostnames[%d]: make one entry of them" $at $index $entry.hostname (int (get $seen $entry.hostname))) -}}
{{- end -}}
{{- $_ := set $seen $entry.hostname $index -}}
{{- end -}}
{{- end -}}
{{- range $field := list "name" "port" "servicePort" -}}
{{- $seen := dict -}}
{{- range $index, $listener := $.Values.envoy.listeners -}}
{{- $value := toString (index $listener $field) -}}
{{- if hasKey $seen $value -}}
{{- fail (printf "envoy.listeners[%d].%s is %s, as in envoy.listeners[%d]: give each listener its own" $index $field $value (int (get $seen $value))) -}}
{{- end -}}
{{- $_ := set $seen $value $index -}}
{{- end -}}
{{- end -}}
{{- end -}}
