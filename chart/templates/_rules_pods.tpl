{{- /* Rules about what goes into the pods unchanged; the generator's are in model/rules/pods.py. */}}
{{- define "mooring.rules.pods" -}}
{{- $values := .Values -}}
{{- $windows := eq $values.platform "windows" -}}
{{- include "mooring.rules.repeats" (list "extraEnv" $values.extraEnv "name" $windows) -}}
{{- if $windows -}}
{{- include "mooring.rules.repeats" (list "target.env" (keys $values.target.env | sortAlpha) "" true) -}}
{{- range $ordinal, $one := $values.target.perOrdinal -}}
{{- include "mooring.rules.repeats" (list (printf "target.perOrdinal.%s.env" $ordinal) ($one.env | default dict | keys | sortAlpha) "" true) -}}
{{- end -}}
{{- end -}}
{{- include "mooring.rules.repeats" (list "imagePullSecrets" $values.imagePullSecrets "" false) -}}
{{- include "mooring.rules.repeats" (list "hostAliases" $values.hostAliases "ip" false) -}}
{{- $pairs := list -}}
{{- range $values.topologySpreadConstraints -}}
{{- $pairs = append $pairs (printf "%s with %s" .topologyKey .whenUnsatisfiable) -}}
{{- end -}}
{{- include "mooring.rules.repeats" (list "topologySpreadConstraints" $pairs "" false) -}}
{{- range $number, $variable := $values.extraEnv -}}
{{- if and $variable.value $variable.valueFrom -}}
{{- include "mooring.refuse" (list (printf "extraEnv.%d.valueFrom" $number) $variable.valueFrom "is set together with a value" "set only one of the two") -}}
{{- end -}}
{{- end -}}
{{- range $number, $source := $values.envFrom -}}
{{- if eq (empty $source.configMapRef) (empty $source.secretRef) -}}
{{- include "mooring.refuse" (list (printf "envFrom.%d" $number) $source "must have either configMapRef or secretRef" "set one of the two") -}}
{{- end -}}
{{- end -}}
{{- include "mooring.rules.containers" . -}}
{{- include "mooring.rules.hooks" . -}}
{{- range $part := list "launcher" "anchor" "tests" -}}
{{- include "mooring.rules.resources" (list (printf "%s.resources" $part) (index $values $part).resources) -}}
{{- end -}}
{{- range $number, $container := $values.anchor.extraContainers -}}
{{- include "mooring.rules.resources" (list (printf "anchor.extraContainers.%d.resources" $number) ($container.resources | default dict)) -}}
{{- end -}}
{{- range $number, $one := $values.tolerations -}}
{{- $path := printf "tolerations.%d" $number -}}
{{- $exists := eq (toString $one.operator) "Exists" -}}
{{- if not (or $one.key $exists) -}}
{{- include "mooring.refuse" (list $path $one "must have a key, or operator: Exists, which tolerates every taint" "add one of the two") -}}
{{- end -}}
{{- if and $exists $one.value -}}
{{- include "mooring.refuse" (list (printf "%s.value" $path) $one.value "is only for operator: Equal" "leave it out") -}}
{{- end -}}
{{- if and (not (kindIs "invalid" $one.tolerationSeconds)) (ne (toString $one.effect) "NoExecute") -}}
{{- include "mooring.refuse" (list (printf "%s.tolerationSeconds" $path) $one.tolerationSeconds "needs effect: NoExecute" "set it, or leave this out") -}}
{{- end -}}
{{- end -}}
{{- include "mooring.rules.labels" . -}}
{{- include "mooring.rules.used" . -}}
{{- end }}

{{- /* What a list has twice. Takes (list path items key fold): the key of an item, or "", and whether to ignore case. */}}
{{- define "mooring.rules.repeats" -}}
{{- $path := index . 0 -}}
{{- $key := index . 2 -}}
{{- $fold := index . 3 -}}
{{- $seen := dict -}}
{{- range $number, $item := index . 1 -}}
{{- $name := toString $item -}}
{{- $place := printf "%s.%d" $path $number -}}
{{- if $key -}}
{{- $name = index $item $key | toString -}}
{{- $place = printf "%s.%s" $place $key -}}
{{- end -}}
{{- $same := $fold | ternary (lower $name) $name -}}
{{- if hasKey $seen $same -}}
{{- include "mooring.refuse" (concat (list $place $name) ($fold | ternary (list "appears twice (Windows ignores case)" "keep one") (list "appears twice" "keep one"))) -}}
{{- end -}}
{{- $_ := set $seen $same true -}}
{{- end -}}
{{- end }}

{{- define "mooring.rules.containers" -}}
{{- $windows := eq .Values.platform "windows" -}}
{{- $platform := .Values.platform -}}
{{- /* Without spec.os the API server accepts Linux fields, and a Windows node ignores them. */}}
{{- $foreign := list "windowsOptions" -}}
{{- if $windows -}}
{{- $foreign = list "appArmorProfile" "seLinuxOptions" "seccompProfile" "fsGroup" "fsGroupChangePolicy" "sysctls" "runAsUser" "runAsGroup" "supplementalGroups" "supplementalGroupsPolicy" "capabilities" "readOnlyRootFilesystem" "privileged" "allowPrivilegeEscalation" "procMount" -}}
{{- end -}}
{{- $contexts := dict "anchor.securityContext" .Values.anchor.securityContext -}}
{{- include "mooring.rules.repeats" (list "anchor.extraContainers" .Values.anchor.extraContainers "name" false) -}}
{{- range $number, $container := .Values.anchor.extraContainers -}}
{{- $path := printf "anchor.extraContainers.%d" $number -}}
{{- $_ := set $contexts (printf "%s.securityContext" $path) ($container.securityContext | default dict) -}}
{{- if eq $container.name "anchor" -}}
{{- include "mooring.refuse" (list (printf "%s.name" $path) $container.name "is mooring's own container" "choose another name") -}}
{{- end -}}
{{- include "mooring.rules.repeats" (list (printf "%s.env" $path) ($container.env | default list) "name" $windows) -}}
{{- $named := list -}}
{{- range $container.ports -}}
{{- $named = .name | empty | ternary $named (append $named .) -}}
{{- end -}}
{{- include "mooring.rules.repeats" (list (printf "%s.ports" $path) $named "name" false) -}}
{{- end -}}
{{- range $path, $context := $contexts -}}
{{- range $key := $foreign -}}
{{- $found := index $context $key -}}
{{- if not (kindIs "invalid" $found) -}}
{{- include "mooring.refuse" (list (printf "%s.%s" $path $key) $found (printf "has no effect on %s" $platform) "leave it out") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "mooring.rules.hooks" -}}
{{- $silent := and (eq .Values.launcher.kind "cplauncher") (eq .Values.platform "windows") -}}
{{- range $kind, $probe := .Values.probes -}}
{{- $found := include "mooring.handlers" $probe -}}
{{- if contains "," $found -}}
{{- include "mooring.refuse" (list (printf "probes.%s" $kind) (splitList ", " $found) "probes in more than one way; a probe has one handler" "keep one") -}}
{{- else if and $probe (not $found) $silent -}}
{{- include "mooring.refuse" (list (printf "probes.%s" $kind) $probe "must have a handler (exec, httpGet, tcpSocket, grpc): cplauncher serves no probes" "add one, or leave the probe out") -}}
{{- end -}}
{{- end -}}
{{- range $key, $hook := .Values.lifecycle -}}
{{- if eq $key "preStop" -}}
{{- include "mooring.refuse" (list "lifecycle.preStop" $hook "is mooring's own hook" "use stop.command instead") -}}
{{- else if ne $key "postStart" -}}
{{- include "mooring.refuse" (list (printf "lifecycle.%s" $key) $hook "is not supported: mooring's stop ladder decides how the program ends" "use stop instead") -}}
{{- else -}}
{{- $found := include "mooring.handlers" $hook -}}
{{- if or (not $found) (contains "," $found) -}}
{{- include "mooring.refuse" (list "lifecycle.postStart" (splitList ", " $found | compact) "must have one handler (exec, httpGet, tcpSocket, sleep)" "set one, or leave the hook out") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* What mooring's own labels, annotations and node labels would silently override. */}}
{{- define "mooring.rules.labels" -}}
{{- $anchor := .Values.anchor -}}
{{- $app := eq $anchor.strategy "static" | ternary (list "app") list -}}
{{- $pod := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "apps.kubernetes.io/pod-index" "statefulset.kubernetes.io/pod-name" "controller-revision-hash" -}}
{{- range list
  (list "commonLabels" .Values.commonLabels (concat $pod $app (list "app.kubernetes.io/managed-by" "app.kubernetes.io/version" "helm.sh/chart")))
  (list "service.labels" .Values.service.labels (concat $pod (list "app.kubernetes.io/managed-by" "app.kubernetes.io/version" "helm.sh/chart")))
  (list "launcher.podLabels" .Values.launcher.podLabels (concat $pod ($anchor.create | ternary list $app)))
  (list "anchor.podLabels" $anchor.podLabels (concat $pod ($anchor.create | ternary $app list)))
  (list "commonAnnotations" .Values.commonAnnotations (list "mooring/config"))
  (list "launcher.podAnnotations" .Values.launcher.podAnnotations (list "mooring/config"))
  (list "tests.podAnnotations" .Values.tests.podAnnotations (list "mooring/config" "helm.sh/hook" "helm.sh/hook-delete-policy")) -}}
{{- $path := index . 0 -}}
{{- $found := index . 1 -}}
{{- range $key := index . 2 -}}
{{- if hasKey $found $key -}}
{{- include "mooring.refuse" (list (include "mooring.key" (append (splitList "." $path) $key)) (index $found $key) "is set by mooring" "leave it out") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with index .Values.nodeSelector "kubernetes.io/os" -}}
{{- if ne . $.Values.platform -}}
{{- include "mooring.refuse" (list `nodeSelector["kubernetes.io/os"]` . (printf "is set by platform: %s" $.Values.platform) "leave it out, or change platform") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* What another value makes ineffective. */}}
{{- define "mooring.rules.used" -}}
{{- range $path, $values := dict "" .Values "anchor." .Values.anchor -}}
{{- $strategy := $values.updateStrategy -}}
{{- if eq $strategy.type "OnDelete" -}}
{{- range $key := list "partition" "maxUnavailable" -}}
{{- with index $strategy $key -}}
{{- include "mooring.refuse" (list (printf "%supdateStrategy.%s" $path $key) . "is only for type: RollingUpdate; with OnDelete, pods change when you delete them" "leave it out") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.serviceAccount.annotations (not $values.serviceAccount.create) -}}
{{- include "mooring.refuse" (list (printf "%sserviceAccount.annotations" $path) $values.serviceAccount.annotations "is only for an account that the chart creates" "set create: true, or leave it out") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Takes (list path resources). The generator's is in model/rules/resources.py. */}}
{{- define "mooring.rules.resources" -}}
{{- $parts := splitList "." (first .) -}}
{{- $limits := (last .).limits | default dict -}}
{{- range $kind := list "limits" "requests" -}}
{{- range $name, $quantity := index (last $) $kind -}}
{{- $path := include "mooring.key" (concat $parts (list $kind $name)) -}}
{{- $amount := include "mooring.amount" $quantity -}}
{{- $limit := include "mooring.amount" (index $limits $name) -}}
{{- if kindIs "invalid" $quantity -}}
{{- else if not $amount -}}
{{- include "mooring.refuse" (list $path $quantity "must be a Kubernetes quantity, e.g. 500m, 2 or 1Gi" "correct it") -}}
{{- else if and $limit (gt (float64 $amount) (float64 $limit)) -}}
{{- include "mooring.refuse" (list $path $quantity (printf "is above its limit (%v)" (index $limits $name)) "lower it, or raise the limit") -}}
{{- end -}}
{{- if and $amount (eq $kind "requests") (contains "/" $name) (ne $amount $limit) -}}
{{- include "mooring.refuse" (list $path $quantity "is an extended resource, whose request and limit must be equal" "set both to the same quantity, or set only the limit") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* A Kubernetes quantity as a plain number; nothing if it is not one. */}}
{{- define "mooring.amount" -}}
{{- $text := kindIs "bool" . | ternary "" (toString .) -}}
{{- $suffix := regexFind `[A-Za-z]*$` $text -}}
{{- if regexMatch `\A([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?\z` $text -}}
{{- $factors := dict "" 1 "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18
  "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 -}}
{{- mulf (trimSuffix $suffix $text | float64) (get $factors $suffix | float64) | toString -}}
{{- end -}}
{{- end }}
