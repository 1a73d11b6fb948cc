{{- /* Rules about the Services; the generator's are in model/rules/services.py. */}}
{{- define "mooring.rules.services" -}}
{{- $service := .Values.service -}}
{{- $shared := eq .Values.anchor.strategy "shared" -}}
{{- $own := dict
  "type" (list "is mooring's own" "use service.type")
  "selector" (list "is mooring's own" "leave it out: Services select the anchors, which own the IPs")
  "ports" (list "is mooring's own" "use target.ports and their servicePort; nodePorts are chosen by the cluster")
-}}
{{- $single := list "clusterIP" "clusterIPs" "loadBalancerIP" "externalIPs" "healthCheckNodePort" -}}
{{- $needs := dict
  "loadBalancerClass" (list "LoadBalancer")
  "loadBalancerSourceRanges" (list "LoadBalancer")
  "allocateLoadBalancerNodePorts" (list "LoadBalancer")
  "healthCheckNodePort" (list "LoadBalancer")
  "externalTrafficPolicy" (list "NodePort" "LoadBalancer")
-}}
{{- range $key, $found := $service.spec -}}
{{- $path := printf "service.spec.%s" $key -}}
{{- $none := has (toJson $found) (list `"None"` `["None"]`) -}}
{{- $headless := and $none (has $key (list "clusterIP" "clusterIPs")) -}}
{{- if has (toJson $found) (list "null" "[]" `""`) -}}
{{- else if hasKey $own $key -}}
{{- include "mooring.refuse" (concat (list $path $found) (get $own $key)) -}}
{{- else if and $shared (has $key $single) (not $none) -}}
{{- include "mooring.refuse" (list $path $found "is for a single Service; with anchor.strategy: shared each replica has one" "leave it out") -}}
{{- else if not (has $service.type (index $needs $key | default (list $service.type))) -}}
{{- include "mooring.refuse" (list $path $found (printf "needs service.type: %s" (index $needs $key | join " or ")) (printf "set it, or leave %s out" $key)) -}}
{{- else if and $headless (ne $service.type "ClusterIP") -}}
{{- include "mooring.refuse" (list $path $found (printf "leaves the Service without an IP, which service.type: %s needs" $service.type) "use service.type: ClusterIP, or leave it out") -}}
{{- else if eq $key "externalName" -}}
{{- include "mooring.refuse" (list $path $found "is for type ExternalName, which is not supported" "leave it out") -}}
{{- else if and (eq $key "sessionAffinityConfig") (ne (toString $service.spec.sessionAffinity) "ClientIP") -}}
{{- include "mooring.refuse" (list $path $found "needs service.spec.sessionAffinity: ClientIP" "set it, or leave this out") -}}
{{- end -}}
{{- end -}}
{{- end }}
