{{- /* Paths of the launcher on the node and in its container: the contract with the launcher. */}}
{{- define "sleeper.launcher.hostPath" -}}
{{- .Values.launcher.hostPath | default (eq .Values.platform "windows" | ternary "C:\\mooring" "/opt/mooring") -}}
{{- end }}

{{- define "sleeper.launcher.join" -}}
{{- eq .root.Values.platform "windows" | ternary (printf "%s\\%s" .directory (replace "/" "\\" .path)) (printf "%s/%s" .directory .path) -}}
{{- end }}

{{- define "sleeper.launcher.python" -}}
{{- $below := eq .Values.platform "windows" | ternary "python/python.exe" "python/bin/python3" -}}
{{- .Values.launcher.python | default (include "sleeper.launcher.join" (dict "root" . "directory" (include "sleeper.launcher.hostPath" .) "path" $below)) -}}
{{- end }}

{{- define "sleeper.launcher.configDir" -}}
{{- eq .Values.platform "windows" | ternary "C:\\etc\\mooring" "/etc/mooring" -}}
{{- end }}

{{- define "sleeper.launcher.stateDir" -}}
{{- eq .Values.platform "windows" | ternary "C:\\run\\mooring" "/run/mooring" -}}
{{- end }}

{{- /*
A command of the launcher as a list: plain paths and words only, as HostProcess commands and hooks pass cmd /c, which reads & | ^ %
and quotes again. -I keeps the program's PYTHON* variables away; -S skips site-packages, which probes do not need.
Takes (dict "root" $ "flags" (list "-I") "words" (list "run")).
*/}}
{{- define "sleeper.launcher.command" -}}
{{- $pyz := include "sleeper.launcher.join" (dict "root" .root "directory" (include "sleeper.launcher.hostPath" .root) "path" "mooring-launcher.pyz") -}}
{{- toYaml (concat (list (include "sleeper.launcher.python" .root)) .flags (list $pyz) .words) -}}
{{- end }}

{{- define "sleeper.launcher.quickCommand" -}}
{{- include "sleeper.launcher.command" (dict "root" .root "flags" (list "-I" "-S") "words" .words) -}}
{{- end }}

{{- /* A probe: the user's own, or an exec of the launcher's probe command. Takes (dict "root" $ "own" … "word" "ready" "period" 5). */}}
{{- define "sleeper.launcher.probe" -}}
{{- if .own -}}
{{- toYaml .own -}}
{{- else -}}
exec:
  command:
    {{- include "sleeper.launcher.quickCommand" (dict "root" .root "words" (list "probe" .word)) | nindent 4 }}
periodSeconds: {{ .period }}
timeoutSeconds: 10
failureThreshold: 3
{{- end -}}
{{- end }}

{{- /*
The launcher's configuration: one JSON document in an annotation of its pod template, so that it belongs to the revision and a change
is a roll-out. Its definition is config.schema.json of the launcher.
*/}}
{{- define "sleeper.launcher.config" -}}
{{- $anchor := dict "strategy" .Values.anchor.strategy "namespace" (include "sleeper.namespace" .) "waitSeconds" .Values.anchor.waitSeconds "unschedulableSeconds" .Values.anchor.unschedulableSeconds -}}
{{- /* Less the Service's port: a change there must not restart the program. */}}
{{- $ports := dict -}}
{{- range $name, $port := .Values.target.ports -}}
{{- $_ := set $ports $name (omit $port "servicePort") -}}
{{- end -}}
{{- dict
  "configVersion" 1
  "app" (dict "name" .Chart.Name "version" .Chart.AppVersion)
  "platform" .Values.platform
  "launcherSet" (include "sleeper.launcher.fullname" .)
  "anchorSet" (include "sleeper.anchor.fullname" .)
  "anchor" $anchor
  "ordinals" .Values.ordinals
  "scaling" .Values.scaling
  "attach" .Values.launcher.attach
  "target" (set (omit .Values.target "mounts") "ports" $ports)
  "gate" .Values.gate
  "stop" .Values.stop
  "readiness" .Values.readiness
  | mustToJson -}}
{{- end }}

{{- /* The ports of every Service. */}}
{{- define "sleeper.servicePorts" -}}
{{- range $name, $port := .Values.target.ports }}
- name: {{ $name | quote }}
  port: {{ $port.servicePort | default $port.port | int }}
  targetPort: {{ int $port.port }}
  protocol: {{ $port.protocol | default "TCP" }}
{{- end }}
{{- end }}

{{- /* What sets the number of replicas in place of .Values.replicas: hpa, keda or nothing. */}}
{{- define "sleeper.autoscaler" -}}
{{- if .Values.autoscaling.keda.enabled }}keda{{ else if .Values.autoscaling.enabled }}hpa{{ end -}}
{{- end }}

{{- /* The most replicas known of at installation. */}}
{{- define "sleeper.mostReplicas" -}}
{{- $autoscaler := include "sleeper.autoscaler" . -}}
{{- if eq $autoscaler "keda" }}{{ int .Values.autoscaling.keda.maxReplicaCount -}}
{{- else if eq $autoscaler "hpa" }}{{ int .Values.autoscaling.maxReplicas -}}
{{- else }}{{ int .Values.replicas }}{{ end -}}
{{- end }}
