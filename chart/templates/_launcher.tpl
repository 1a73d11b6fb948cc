{{- /* Paths of the launcher on the node and in its container: the contract with the launcher. */}}
{{- define "mooring.launcher.hostPath" -}}
{{- .Values.launcher.hostPath | default (eq .Values.platform "windows" | ternary "C:\\mooring" "/opt/mooring") -}}
{{- end }}

{{- define "mooring.launcher.join" -}}
{{- eq .root.Values.platform "windows" | ternary (printf "%s\\%s" .directory (replace "/" "\\" .path)) (printf "%s/%s" .directory .path) -}}
{{- end }}

{{- define "mooring.launcher.python" -}}
{{- $below := eq .Values.platform "windows" | ternary "python/python.exe" "python/bin/python3" -}}
{{- .Values.launcher.python | default (include "mooring.launcher.join" (dict "root" . "directory" (include "mooring.launcher.hostPath" .) "path" $below)) -}}
{{- end }}

{{- /* Whether anything on the node is needed from launcher.hostPath: a launcher of the chart's own may have its Python elsewhere. */}}
{{- define "mooring.launcher.needsHostPath" -}}
{{- $folder := include "mooring.launcher.join" (dict "root" . "directory" (include "mooring.launcher.hostPath" .) "path" "") -}}
{{- $below := hasPrefix $folder (include "mooring.launcher.python" .) -}}
{{- if or (eq .Values.launcher.source "host") .Values.launcher.hostPath $below }}true{{ end -}}
{{- end }}

{{- define "mooring.launcher.configDir" -}}
{{- eq .Values.platform "windows" | ternary "C:\\etc\\mooring" "/etc/mooring" -}}
{{- end }}

{{- define "mooring.launcher.codeDir" -}}
{{- eq .Values.platform "windows" | ternary "C:\\etc\\mooring-launcher" "/etc/mooring-launcher" -}}
{{- end }}

{{- define "mooring.launcher.stateDir" -}}
{{- eq .Values.platform "windows" | ternary "C:\\run\\mooring" "/run/mooring" -}}
{{- end }}

{{- /*
A command of the launcher as a list: plain paths and words only, as HostProcess commands and hooks pass cmd /c, which reads & | ^ %
and quotes again. -I keeps the program's PYTHON* variables away; -S skips site-packages, which probes do not need.
Takes (dict "root" $ "flags" (list "-I") "words" (list "run")).
*/}}
{{- define "mooring.launcher.command" -}}
{{- $folder := eq .root.Values.launcher.source "configMap" | ternary (include "mooring.launcher.codeDir" .root) (include "mooring.launcher.hostPath" .root) -}}
{{- $pyz := include "mooring.launcher.join" (dict "root" .root "directory" $folder "path" "mooring-launcher.pyz") -}}
{{- toYaml (concat (list (include "mooring.launcher.python" .root)) .flags (list $pyz) .words) -}}
{{- end }}

{{- /*
K2s' own launcher in place of mooring's (launcher.kind: cplauncher). Kubernetes puts the ordinal in its label, and would expand $( in
the program's own words, so those are doubled.
*/}}
{{- define "mooring.cplauncher" -}}
{{- if eq .Values.launcher.kind "cplauncher" }}true{{ end -}}
{{- end }}

{{- define "mooring.cplauncher.command" -}}
{{- $n := "$(MOORING_ORDINAL)" -}}
{{- $label := replace "{ordinal}" $n .Values.anchor.selector -}}
{{- if .Values.anchor.create -}}
{{- $label = printf "statefulset.kubernetes.io/pod-name=%s" (include "mooring.anchor.pod" (dict "root" . "ordinal" $n)) -}}
{{- end -}}
{{- $exe := include "mooring.launcher.join" (dict "root" . "directory" (include "mooring.launcher.hostPath" .) "path" "cplauncher.exe") -}}
{{- $words := list $exe "-label" $label "-namespace" (include "mooring.anchor.namespace" .) "-label-timeout" (printf "%ds" (int .Values.anchor.waitSeconds)) -}}
{{- if eq .Values.launcher.attach "env" -}}
{{- $words = append $words "-self-env" -}}
{{- end -}}
{{- if eq .Values.target.lifetime "tree" -}}
{{- $words = append $words "-wait-tree" -}}
{{- end -}}
{{- $words = append $words "--" -}}
{{- range prepend .Values.target.args .Values.target.exe -}}
{{- $words = append $words (replace "$(" "$$(" .) -}}
{{- end -}}
{{- toYaml $words -}}
{{- end }}

{{- define "mooring.launcher.quickCommand" -}}
{{- include "mooring.launcher.command" (dict "root" .root "flags" (list "-I" "-S") "words" .words) -}}
{{- end }}

{{- /*
A probe: the user's own if it has a handler, else an exec of the launcher's probe command, with the user's numbers.
Takes (dict "root" $ "own" … "word" "ready" "period" 5 "failures" 2).
*/}}
{{- define "mooring.launcher.probe" -}}
{{- if include "mooring.handlers" .own -}}
{{- toYaml .own -}}
{{- else -}}
{{- $command := include "mooring.launcher.quickCommand" (dict "root" .root "words" (list "probe" .word)) | fromYamlArray -}}
{{- $own := dict "exec" (dict "command" $command) "periodSeconds" .period "timeoutSeconds" 10 "failureThreshold" .failures -}}
{{- toYaml (merge (deepCopy .own) $own) -}}
{{- end -}}
{{- end }}

{{- /* The handlers of a probe or a hook, separated by commas; null does not count. */}}
{{- define "mooring.handlers" -}}
{{- $found := list -}}
{{- range $key, $value := . -}}
{{- if and (has $key (list "exec" "httpGet" "tcpSocket" "grpc" "sleep")) (not (kindIs "invalid" $value)) -}}
{{- $found = append $found $key -}}
{{- end -}}
{{- end -}}
{{- join ", " $found -}}
{{- end }}

{{- /*
The launcher's configuration: one JSON document in an annotation of its pod template, so that it belongs to the revision and a change
is a rollout. Its definition is config.schema.json of the launcher.
*/}}
{{- define "mooring.launcher.config" -}}
{{- $anchor := pick .Values.anchor "strategy" "create" "selector" "waitSeconds" "unschedulableSeconds" -}}
{{- $_ := set $anchor "namespace" (include "mooring.anchor.namespace" .) -}}
{{- $follow := and .Values.scaling.follow .Values.anchor.create (eq .Values.anchor.strategy "ordinal") -}}
{{- /* Less what only Services read: a change there must not restart the program. */}}
{{- $ports := dict -}}
{{- range $name, $port := .Values.target.ports -}}
{{- $_ := set $ports $name (omit $port "servicePort" "nodePort" "appProtocol") -}}
{{- end -}}
{{- /* A launcher from before there was a lifetime refuses the key: it need not know the one that it has. */}}
{{- $target := omit .Values.target "mounts" "placeholders" (eq .Values.target.lifetime "process" | ternary "lifetime" "") -}}
{{- dict
  "configVersion" 2
  "app" (dict "name" .Chart.Name "version" .Chart.AppVersion)
  "platform" .Values.platform
  "launcherSet" (include "mooring.launcher.fullname" .)
  "anchorSet" (include "mooring.anchor.fullname" .)
  "anchorPod" (include "mooring.anchor.pod" (dict "root" . "ordinal" "{ordinal}"))
  "anchorGraceSeconds" (add (include "mooring.launcher.leastGrace" . | int) 10)
  "anchor" $anchor
  "ordinals" .Values.ordinals
  "maxReplicas" .Values.rbac.maxReplicas
  "scaling" (dict "follow" $follow)
  "attach" .Values.launcher.attach
  "target" (set $target "ports" $ports)
  "gate" .Values.gate
  "stop" .Values.stop
  "readiness" .Values.readiness
  | mustToJson -}}
{{- end }}

{{- /* One replica's ports as JSON: its own where it has any; the Service's port is the same for all. Takes (dict "root" $ "ordinal" 3). */}}
{{- define "mooring.portsOf" -}}
{{- $own := dig (toString .ordinal) "ports" dict .root.Values.target.perOrdinal | default dict -}}
{{- $ports := dict -}}
{{- range $name, $port := .root.Values.target.ports -}}
{{- $one := dict "port" (get $own $name | default $port.port) "protocol" ($port.protocol | default "TCP") -}}
{{- $_ := set $ports $name (merge $one (dict "servicePort" ($port.servicePort | default $port.port) "appProtocol" $port.appProtocol)) -}}
{{- end -}}
{{- toJson $ports -}}
{{- end }}

{{- /*
The ports of an anchor, each once, as a JSON list; where replicas share it, of those there are and of those whose ports are known already.
Takes (dict "root" $ "name" "http"); without a name it is all ports.
*/}}
{{- define "mooring.anchor.ports" -}}
{{- $scope := . -}}
{{- $ordinals := list "" -}}
{{- if eq .root.Values.anchor.strategy "shared" -}}
{{- $ordinals = concat (include "mooring.ordinals" .root | fromJsonArray) (keys .root.Values.target.perOrdinal) -}}
{{- end -}}
{{- $ports := dict -}}
{{- range $ordinal := $ordinals -}}
{{- range $name, $port := include "mooring.portsOf" (dict "root" $scope.root "ordinal" $ordinal) | fromJson -}}
{{- if or (not $scope.name) (eq $scope.name $name) -}}
{{- $_ := set $ports (printf "%05d/%s" (int $port.port) $port.protocol) (pick $port "port" "protocol") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $sorted := list -}}
{{- range keys $ports | sortAlpha -}}
{{- $sorted = append $sorted (get $ports .) -}}
{{- end -}}
{{- toJson $sorted -}}
{{- end }}

{{- /* A JSON list with the program's first TCP port, empty where it has none. */}}
{{- define "mooring.anchor.firstTcpPort" -}}
{{- $found := list -}}
{{- range $name, $port := .Values.target.ports -}}
{{- if eq ($port.protocol | default "TCP") "TCP" -}}
{{- $found = append $found (int $port.port) -}}
{{- end -}}
{{- end -}}
{{- toJson ($found | empty | ternary list (slice (append $found 0) 0 1)) -}}
{{- end }}

{{- /* The ports of a Service. Takes the program's. */}}
{{- define "mooring.servicePorts" -}}
{{- range $name, $port := . }}
- name: {{ $name | quote }}
  port: {{ $port.servicePort | default $port.port | int }}
  targetPort: {{ int $port.port }}
  protocol: {{ $port.protocol | default "TCP" | quote }}
  {{- with $port.nodePort }}
  nodePort: {{ int . }}
  {{- end }}
  {{- with $port.appProtocol }}
  appProtocol: {{ quote . }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* What sets the number of replicas in place of .Values.replicas: hpa, keda or nothing. */}}
{{- define "mooring.autoscaler" -}}
{{- if .Values.autoscaling.keda.enabled }}keda{{ else if .Values.autoscaling.enabled }}hpa{{ end -}}
{{- end }}

{{- /* The most replicas known of at installation. */}}
{{- define "mooring.mostReplicas" -}}
{{- $autoscaler := include "mooring.autoscaler" . -}}
{{- if eq $autoscaler "keda" }}{{ int .Values.autoscaling.keda.maxReplicaCount -}}
{{- else if eq $autoscaler "hpa" }}{{ int .Values.autoscaling.maxReplicas -}}
{{- else }}{{ int .Values.replicas }}{{ end -}}
{{- end }}

{{- /* The launcher that the chart carries, in base64 on one line; empty where it was generated without. */}}
{{- define "mooring.launcher.archive" -}}
{{- .Files.Get "files/mooring-launcher.pyz.b64" | replace "\r" "" | replace "\n" "" -}}
{{- end }}

{{- /* Named by its content, so that a revision of the launchers' set names the launcher that belongs to it. */}}
{{- define "mooring.launcher.configMap" -}}
{{- printf "%s-launcher-%s" (include "mooring.fullname" .) (include "mooring.launcher.archive" . | sha256sum | trunc 10) -}}
{{- end }}

{{- /*
The launchers that pods of older revisions start from: a JSON list of ConfigMaps as the cluster has them. An upgrade renders them again
next to its own, or Helm would delete them, and a pod of the old revision that is created again (a partition, a node lost during the rollout)
could not start. resource-policy: keep would leave them behind at the uninstallation, and Helm 3 cannot roll back to what it kept
("no ConfigMap with the name … found"). Without a cluster (helm template) there is nothing to look up.
*/}}
{{- define "mooring.launcher.olderConfigMaps" -}}
{{- $found := list -}}
{{- if include "mooring.launcher.archive" . -}}
{{- $namespace := include "mooring.namespace" . -}}
{{- $seen := list "" -}}
{{- if eq .Values.launcher.source "configMap" -}}
{{- $seen = append $seen (include "mooring.launcher.configMap" .) -}}
{{- end -}}
{{- range $template := fromJsonArray (include "mooring.launcher.olderTemplates" .) -}}
{{- range $volume := dig "spec" "volumes" list $template -}}
{{- $name := dig "configMap" "name" "" $volume -}}
{{- if and (eq $volume.name "launcher-code") (not (has $name $seen)) -}}
{{- $seen = append $seen $name -}}
{{- with lookup "v1" "ConfigMap" $namespace $name -}}
{{- $found = append $found . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- /* The pod templates that launchers run by at this moment: the set's own and, while a rollout is under way, the one before. */}}
{{- define "mooring.launcher.olderTemplates" -}}
{{- $templates := list -}}
{{- $namespace := include "mooring.namespace" . -}}
{{- with lookup "apps/v1" "StatefulSet" $namespace (include "mooring.launcher.fullname" .) -}}
{{- $templates = append $templates .spec.template -}}
{{- $current := dig "status" "currentRevision" "" . -}}
{{- if ne $current (dig "status" "updateRevision" "" .) -}}
{{- with lookup "apps/v1" "ControllerRevision" $namespace $current -}}
{{- $templates = append $templates .data.spec.template -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $templates -}}
{{- end }}

{{- define "mooring.launcher.image" -}}
{{- include "mooring.launcher.imageOf" (dict "root" . "image" .Values.launcher.image) -}}
{{- end }}

{{- define "mooring.launcher.imageOf" -}}
{{- include "mooring.image" (eq .root.Values.platform "windows" | ternary
  (dict "image" .image "registry" "mcr.microsoft.com" "repository" "oss/kubernetes/windows-host-process-containers-base-image" "tag" "v1.0.0")
  (dict "image" .image "registry" "docker.io" "repository" "library/debian" "tag" "12-slim")) -}}
{{- end }}

{{- /* The mounts and volumes that a container needs to run the launcher. */}}
{{- define "mooring.launcher.mounts" -}}
{{- if include "mooring.launcher.needsHostPath" . }}
- name: launcher
  mountPath: {{ include "mooring.launcher.hostPath" . | quote }}
  readOnly: true
{{- end }}
{{- if eq .Values.launcher.source "configMap" }}
- name: launcher-code
  mountPath: {{ include "mooring.launcher.codeDir" . | quote }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "mooring.launcher.volumes" -}}
{{- if include "mooring.launcher.needsHostPath" . }}
- name: launcher
  hostPath:
    path: {{ include "mooring.launcher.hostPath" . | quote }}
    # Never created: what is made below C: is open to ordinary users, and what is in here runs as SYSTEM.
    type: Directory
{{- end }}
{{- if eq .Values.launcher.source "configMap" }}
- name: launcher-code
  configMap:
    name: {{ include "mooring.launcher.configMap" . | quote }}
{{- end }}
{{- end }}
