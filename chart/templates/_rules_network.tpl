{{- /* Rules about routes and the network policy; the generator's are in model/rules/network.py. */}}
{{- define "mooring.rules.network" -}}
{{- $ports := .Values.target.ports -}}
{{- $anchor := .Values.anchor -}}
{{- $kinds := dict
  "hostnames" (list "HTTPRoute" "GRPCRoute")
  "ingressClassName" (list "Ingress")
  "defaultBackend" (list "Ingress")
  "tls" (list "Ingress")
-}}
{{- range $name, $route := .Values.routes -}}
{{- $at := printf "routes.%s" $name -}}
{{- if not $.Values.service.enabled -}}
{{- include "mooring.refuse" (list $at $route.kind "needs the Service over all replicas" "set service.enabled: true, or leave the route out") -}}
{{- end -}}
{{- if eq $anchor.strategy "shared" -}}
{{- include "mooring.refuse" (list $at $route.kind "needs the Service over all replicas; with anchor.strategy: shared each replica has its own" "write one for each into extraObjects") -}}
{{- else if not $anchor.create -}}
{{- include "mooring.refuse" (list $at $route.kind "needs anchors that the chart creates" "write it into extraObjects") -}}
{{- end -}}
{{- if not (hasKey $ports $route.port) -}}
{{- include "mooring.refuse" (list (printf "%s.port" $at) $route.port "must be a port named in target.ports" "declare it there, or remove it here") -}}
{{- else if ne ((get $ports $route.port).protocol | default "TCP") "TCP" -}}
{{- include "mooring.refuse" (list (printf "%s.port" $at) $route.port (printf "is a UDP port, which %s does not carry" $route.kind) "name a TCP port") -}}
{{- end -}}
{{- if eq $route.kind "Ingress" -}}
{{- range $key, $found := pick $route "parentRefs" "weight" "backendRefs" -}}
{{- if not (has (toJson $found) (list "null" "[]")) -}}
{{- include "mooring.refuse" (list (printf "%s.%s" $at $key) $found "is not for kind: Ingress" "leave it out, or use HTTPRoute") -}}
{{- end -}}
{{- end -}}
{{- else if not $route.parentRefs -}}
{{- include "mooring.refuse" (list (printf "%s.parentRefs" $at) list (printf "must name a parent: without one, no traffic comes to this %s" $route.kind) "add a Gateway") -}}
{{- end -}}
{{- range $key, $found := $route.spec -}}
{{- $wanted := index $kinds $key | default (list $route.kind) -}}
{{- if and (eq $key "parentRefs") (not (kindIs "invalid" $found)) -}}
{{- include "mooring.refuse" (list (printf "%s.spec.%s" $at $key) $found "is mooring's own" "use the parentRefs beside spec") -}}
{{- else if not (or (has $route.kind $wanted) (kindIs "invalid" $found)) -}}
{{- include "mooring.refuse" (list (printf "%s.spec.%s" $at $key) $found (printf "is only for kind: %s" (join " or " $wanted)) "leave it out, or change kind") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $policy.enabled (not $anchor.create) -}}
{{- include "mooring.refuse" (list "networkPolicy.enabled" true "needs anchors that the chart creates" "write it into extraObjects") -}}
{{- end -}}
{{- $places := list (list "metricsFrom" $policy.metricsFrom) -}}
{{- range $name, $peers := index $policy "from" -}}
{{- $places = append $places (list (printf "from.%s" $name) $peers) -}}
{{- if not (hasKey $ports $name) -}}
{{- include "mooring.refuse" (list (printf "networkPolicy.from.%s" $name) $name "must be a port named in target.ports" "declare it there, or remove it here") -}}
{{- end -}}
{{- end -}}
{{- range $number, $rule := $policy.egress -}}
{{- $places = append $places (list (printf "egress.%d.to" $number) $rule.to) -}}
{{- end -}}
{{- range $place := $places -}}
{{- range $number, $peer := index $place 1 -}}
{{- $at := printf "networkPolicy.%s.%d" (first $place) $number -}}
{{- $named := list -}}
{{- range $key := list "podSelector" "namespaceSelector" "ipBlock" -}}
{{- if not (kindIs "invalid" (index $peer $key)) -}}
{{- $named = append $named $key -}}
{{- end -}}
{{- end -}}
{{- if not $named -}}
{{- include "mooring.refuse" (list $at $peer "must name someone (podSelector, namespaceSelector, ipBlock)" "add one; an empty namespaceSelector is every pod of the cluster") -}}
{{- else if and (has "ipBlock" $named) (rest $named) -}}
{{- include "mooring.refuse" (list (printf "%s.ipBlock" $at) $peer.ipBlock "must be the only one: Kubernetes takes either ipBlock or selectors" "write a peer for each") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
