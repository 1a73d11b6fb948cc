{{- /* Rules about the Services; the generator's are in model/rules/services.py. */}}
{{- define "everything.rules.services" -}}
{{- $service := .Values.service -}}
{{- $shared := eq .Values.anchor.strategy "shared" -}}
{{- $many := list "is for a single Service; with anchor.strategy: shared each replica has one" "leave it out" -}}
{{- include "everything.rules.serviceSpec" (dict "at" "service" "service" $service "many" ($shared | ternary $many list)) -}}
{{- include "everything.rules.serviceSpec" (dict "at" "service.replica" "service" $service.replica "many" (list "is for a single Service; each replica has one of these" "leave it out")) -}}
{{- if $shared -}}
{{- range $key, $found := pick $service.replica "type" "annotations" "spec" -}}
{{- if and $found (ne (toString $found) "ClusterIP") -}}
{{- include "everything.refuse" (list (printf "service.replica.%s" $key) $found "has no effect with anchor.strategy: shared, where the replicas' Services are in place of the one over all" (printf "use service.%s" $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $users := dict -}}
{{- range $name, $port := .Values.target.ports -}}
{{- if not (kindIs "invalid" $port.nodePort) -}}
{{- $number := int $port.nodePort -}}
{{- $path := printf "target.ports.%s.nodePort" $name -}}
{{- $protocol := $port.protocol | default "TCP" -}}
{{- $key := printf "%d/%s" $number $protocol -}}
{{- if $shared -}}
{{- include "everything.refuse" (concat (list $path $number) $many) -}}
{{- else if eq $service.type "ClusterIP" -}}
{{- include "everything.refuse" (list $path $number "needs service.type: NodePort or LoadBalancer" "set it, or leave nodePort out") -}}
{{- else if hasKey $users $key -}}
{{- include "everything.refuse" (list $path $number (printf "is used by more than one port of the Service (%s)" $protocol) "give each its own nodePort") -}}
{{- end -}}
{{- $_ := set $users $key true -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Takes (dict "at" "service" "service" .Values.service "many" [the sentence about what only one Service can have, where there are many]). */}}
{{- define "everything.rules.serviceSpec" -}}
{{- $at := .at -}}
{{- $service := .service -}}
{{- $many := .many -}}
{{- $own := dict
  "type" (list "is mooring's own" "use the type beside spec")
  "selector" (list "is mooring's own" "leave it out: Services select the anchors, which own the IPs")
  "ports" (list "is mooring's own" "use target.ports, with servicePort, nodePort and appProtocol")
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
{{- $path := printf "%s.spec.%s" $at $key -}}
{{- $none := has (toJson $found) (list `"None"` `["None"]`) -}}
{{- $headless := and $none (has $key (list "clusterIP" "clusterIPs")) -}}
{{- if has (toJson $found) (list "null" "[]" `""`) -}}
{{- else if hasKey $own $key -}}
{{- include "everything.refuse" (concat (list $path $found) (get $own $key)) -}}
{{- else if and $many (has $key $single) (not $none) -}}
{{- include "everything.refuse" (concat (list $path $found) $many) -}}
{{- else if not (has $service.type (index $needs $key | default (list $service.type))) -}}
{{- include "everything.refuse" (list $path $found (printf "needs %s.type: %s" $at (index $needs $key | join " or ")) (printf "set it, or leave %s out" $key)) -}}
{{- else if and $headless (ne $service.type "ClusterIP") -}}
{{- include "everything.refuse" (list $path $found (printf "leaves the Service without an IP, which %s.type: %s needs" $at $service.type) "use type: ClusterIP, or leave it out") -}}
{{- else if eq $key "externalName" -}}
{{- include "everything.refuse" (list $path $found "is for type ExternalName, which is not supported" "leave it out") -}}
{{- else if and (eq $key "sessionAffinityConfig") (ne (toString $service.spec.sessionAffinity) "ClientIP") -}}
{{- include "everything.refuse" (list $path $found (printf "needs %s.spec.sessionAffinity: ClientIP" $at) "set it, or leave this out") -}}
{{- end -}}
{{- end -}}
{{- end }}
