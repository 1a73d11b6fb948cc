{{- /*
The Servers: a JSON map of their names to the port as the anchor's pod has it, its number, and which of the program's it is. UDP never
passes the proxy. Ports of a shared anchor have no names, because replicas have different ones under the same.
*/}}
{{- define "mooring.linkerd.servers" -}}
{{- $servers := dict -}}
{{- $readiness := int .Values.readiness.port -}}
{{- if eq .Values.anchor.strategy "shared" -}}
{{- range $n, $ordinal := include "mooring.ordinals" . | fromJsonArray -}}
{{- $ports := include "mooring.portsOf" (dict "root" $ "ordinal" $ordinal) | fromJson -}}
{{- range $name, $port := set $ports "readiness" (dict "port" (add $readiness $n) "protocol" "TCP") -}}
{{- if eq $port.protocol "TCP" -}}
{{- $number := int $port.port -}}
{{- $_ := set $servers (toString $number) (dict "port" $number "number" $number "of" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- range $name, $port := merge (dict "readiness" .Values.readiness) .Values.target.ports -}}
{{- if eq ($port.protocol | default "TCP") "TCP" -}}
{{- $_ := set $servers $name (dict "port" $name "number" (int $port.port) "of" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $servers -}}
{{- end }}

{{- /*
The proxy waits before it exits: kubelet stops all containers of a pod at once, and the program behind the proxy may take its launcher's whole
grace period.
*/}}
{{- define "mooring.linkerd.annotations.pod" -}}
{{- $numbers := list -}}
{{- $opaque := list -}}
{{- range include "mooring.linkerd.servers" .root | fromJson -}}
{{- $numbers = append $numbers (int .number) -}}
{{- if has .of $.root.Values.mesh.linkerd.opaquePorts -}}
{{- $opaque = append $opaque (int .number) -}}
{{- end -}}
{{- end -}}
linkerd.io/inject: enabled
config.alpha.linkerd.io/proxy-wait-before-exit-seconds: {{ include "mooring.launcher.grace" .root | quote }}
config.linkerd.io/pod-inbound-ports: {{ join "," $numbers | quote }}
{{ include "mooring.linkerd.opaque" $opaque }}
{{- end }}

{{- /* A client's proxy takes from the Service where not to look for HTTP. */}}
{{- define "mooring.linkerd.annotations.service" -}}
{{- $opaque := list -}}
{{- range $name, $port := .ports -}}
{{- if has $name $.root.Values.mesh.linkerd.opaquePorts -}}
{{- $opaque = append $opaque ($port.servicePort | default $port.port | int) -}}
{{- end -}}
{{- end -}}
{{- include "mooring.linkerd.opaque" $opaque -}}
{{- end }}

{{- define "mooring.linkerd.opaque" -}}
{{- with . -}}
config.linkerd.io/opaque-ports: {{ join "," . | quote }}
{{- end -}}
{{- end }}

{{- /* What policies are for: a JSON list of Servers and HTTPRoutes, each with the clients that it lets in. */}}
{{- define "mooring.linkerd.targets" -}}
{{- $linkerd := .Values.mesh.linkerd -}}
{{- $targets := list -}}
{{- range $name, $server := include "mooring.linkerd.servers" . | fromJson -}}
{{- $clients := $linkerd.allow -}}
{{- if eq $server.of "readiness" -}}
{{- $clients = dict "identities" $linkerd.metricsFrom.identities "networks" (concat $linkerd.nodeNetworks $linkerd.metricsFrom.networks) -}}
{{- end -}}
{{- $targets = append $targets (merge (dict "kind" "Server" "name" $name) $clients) -}}
{{- end -}}
{{- range $name, $route := $linkerd.httpRoutes -}}
{{- $targets = append $targets (merge (dict "kind" "HTTPRoute" "name" (printf "%s.%s" $route.port $name)) (pick $route "identities" "networks")) -}}
{{- end -}}
{{- toJson $targets -}}
{{- end }}

{{- define "mooring.linkerd.version" -}}
{{- $newest := .root.Capabilities.APIVersions.Has (printf "policy.linkerd.io/v1beta3/%s" .kind) | ternary "v1beta3" "v1beta1" -}}
policy.linkerd.io/{{ .root.Values.mesh.linkerd.apiVersion | default $newest }}
{{- end }}

{{- /* No name of a release has a dot, so no other release has these names. Takes (dict "root" $ "name" "http"). */}}
{{- define "mooring.linkerd.name" -}}
{{- printf "%s.%s" (include "mooring.fullname" .root) .name | quote -}}
{{- end }}

{{- define "mooring.linkerd.metadata" -}}
metadata:
  name: {{ include "mooring.linkerd.name" . }}
  namespace: {{ include "mooring.namespace" .root | quote }}
  labels:
    {{- include "mooring.labels" (dict "root" .root "component" "anchor") | nindent 4 }}
  {{- with include "mooring.annotations" (dict "root" .root) }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
