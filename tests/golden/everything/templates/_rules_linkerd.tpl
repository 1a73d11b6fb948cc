{{- /* Rules about Linkerd; the generator's are in model/rules/linkerd.py. */}}
{{- define "everything.rules.linkerd" -}}
{{- $linkerd := .Values.mesh.linkerd -}}
{{- if not .Values.anchor.create -}}
{{- include "everything.refuse" (list "mesh.linkerd.enabled" true "must be false with anchor.create: false: the proxy is injected into anchors, and others create those" "leave it out, and annotate the anchors where they are created") -}}
{{- end -}}
{{- if not $linkerd.nodeNetworks -}}
{{- include "everything.refuse" (list "mesh.linkerd.nodeNetworks" list "must name the networks that kubelet's requests come from: Linkerd lets its probes in by default but not its hook, and the network would go before the program has stopped" "add them, e.g. the nodes' network 10.0.0.0/16") -}}
{{- end -}}
{{- /* The program's TCP ports, and whether anybody reaches them. */}}
{{- $reached := dict -}}
{{- range $name, $port := .Values.target.ports -}}
{{- if eq ($port.protocol | default "TCP") "TCP" -}}
{{- $_ := set $reached $name (or $linkerd.allow.identities $linkerd.allow.networks) -}}
{{- end -}}
{{- end -}}
{{- range $number, $name := $linkerd.opaquePorts -}}
{{- if not (hasKey $reached $name) -}}
{{- include "everything.refuse" (list (printf "mesh.linkerd.opaquePorts.%d" $number) $name "must be a TCP port named in target.ports" "correct it, or add the port") -}}
{{- end -}}
{{- end -}}
{{- range $name, $route := $linkerd.httpRoutes -}}
{{- $path := printf "mesh.linkerd.httpRoutes.%s.port" $name -}}
{{- if not (hasKey $reached $route.port) -}}
{{- include "everything.refuse" (list $path $route.port "must be a TCP port named in target.ports" "correct it, or add the port") -}}
{{- else if has $route.port $linkerd.opaquePorts -}}
{{- include "everything.refuse" (list $path $route.port "is one of mesh.linkerd.opaquePorts, where Linkerd sees no HTTP requests" "leave the route out, or the port there") -}}
{{- end -}}
{{- if or $route.identities $route.networks -}}
{{- $_ := set $reached $route.port true -}}
{{- end -}}
{{- end -}}
{{- range $name, $clients := $reached -}}
{{- if not $clients -}}
{{- include "everything.refuse" (list "mesh.linkerd.allow" $linkerd.allow (printf "must have identities or networks: nobody could reach port %s" $name) "add them, or a route of the port with its own; 0.0.0.0/0 lets everyone in") -}}
{{- end -}}
{{- end -}}
{{- end }}
