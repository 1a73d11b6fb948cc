{{- /* What both halves of a pair have in common, so that a node fits both. */}}
{{- define "sleeper.pod.common" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
os:
  name: {{ .Values.platform }}
nodeSelector:
  {{- include "sleeper.strings" (merge (dict "kubernetes.io/os" .Values.platform) .Values.nodeSelector) | nindent 2 }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
enableServiceLinks: false
{{- end }}

{{- /* An image reference. Takes (dict "image" .Values.anchor.image "registry" … "repository" … "tag" …), the last three where empty. */}}
{{- define "sleeper.image" -}}
{{- $registry := .image.registry -}}
{{- $repository := .image.repository -}}
{{- $tag := .image.tag -}}
{{- if not $repository -}}
{{- $registry = $registry | default .registry -}}
{{- $repository = .repository -}}
{{- $tag = $tag | default .tag -}}
{{- end -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else if $tag }}:{{ $tag }}{{ end -}}
{{- end }}

{{- /* A StatefulSet's updateStrategy. Takes the value. */}}
{{- define "sleeper.updateStrategy" -}}
type: {{ .type }}
{{- if eq .type "RollingUpdate" }}
rollingUpdate:
  partition: {{ int .partition }}
  {{- if not (kindIs "invalid" .maxUnavailable) }}
  maxUnavailable: {{ .maxUnavailable }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
A pod-affinity term for the pods of a component on the same node; with perReplica for the one of the same ordinal. The instance is
in the selector, as the index alone would match every release's.
*/}}
{{- define "sleeper.affinityTerm" -}}
labelSelector:
  matchLabels:
    {{- include "sleeper.selectorLabels" . | nindent 4 }}
{{- if eq .root.Values.colocation "perReplica" }}
matchLabelKeys:
  - apps.kubernetes.io/pod-index
{{- end }}
topologyKey: kubernetes.io/hostname
{{- end }}

{{- /*
The user's affinity with mooring's pod affinity added to it. Takes (dict "affinity" … "required" [terms] "preferred" [weighted terms]).
*/}}
{{- define "sleeper.affinity" -}}
{{- $affinity := deepCopy .affinity -}}
{{- $pods := $affinity.podAffinity | default dict -}}
{{- with .required -}}
{{- $_ := set $pods "requiredDuringSchedulingIgnoredDuringExecution" (concat . ($pods.requiredDuringSchedulingIgnoredDuringExecution | default list)) -}}
{{- end -}}
{{- with .preferred -}}
{{- $_ := set $pods "preferredDuringSchedulingIgnoredDuringExecution" (concat . ($pods.preferredDuringSchedulingIgnoredDuringExecution | default list)) -}}
{{- end -}}
{{- toYaml (set $affinity "podAffinity" $pods) -}}
{{- end }}

{{- /*
Anchors follow: required affinity to the launcher of their ordinal. Launchers decide, and prefer the node where their anchor is, so
that a re-created one usually comes home and keeps its IP; required both ways would deadlock.
*/}}
{{- define "sleeper.anchor.affinity" -}}
{{- $term := fromYaml (include "sleeper.affinityTerm" (dict "root" . "component" "launcher")) -}}
{{- include "sleeper.affinity" (dict "affinity" .Values.anchor.affinity "required" (list $term)) -}}
{{- end }}

{{- define "sleeper.launcher.affinity" -}}
{{- if eq .Values.colocation "perReplica" -}}
{{- $term := fromYaml (include "sleeper.affinityTerm" (dict "root" . "component" "anchor")) -}}
{{- include "sleeper.affinity" (dict "affinity" .Values.affinity "preferred" (list (dict "weight" 100 "podAffinityTerm" $term))) -}}
{{- else -}}
{{- $term := fromYaml (include "sleeper.affinityTerm" (dict "root" . "component" "launcher")) -}}
{{- include "sleeper.affinity" (dict "affinity" .Values.affinity "required" (list $term)) -}}
{{- end -}}
{{- end }}

{{- /* Seconds: drain, every rung of the ladder, and 10 s. */}}
{{- define "sleeper.launcher.leastGrace" -}}
{{- $stop := .Values.stop -}}
{{- $seconds := add (int $stop.drainSeconds) (int $stop.consoleSeconds) 10 -}}
{{- if $stop.command -}}
{{- $seconds = add $seconds (int $stop.commandSeconds) -}}
{{- end -}}
{{- if eq .Values.platform "windows" -}}
{{- $seconds = add $seconds (int $stop.windowSeconds) -}}
{{- end -}}
{{- $seconds -}}
{{- end }}

{{- define "sleeper.launcher.grace" -}}
{{- kindIs "invalid" .Values.terminationGracePeriodSeconds | ternary (include "sleeper.launcher.leastGrace" .) .Values.terminationGracePeriodSeconds | int -}}
{{- end }}

{{- /* An anchor outlives its program. */}}
{{- define "sleeper.anchor.leastGrace" -}}
{{- add (include "sleeper.launcher.grace" . | int) 10 -}}
{{- end }}

{{- define "sleeper.anchor.grace" -}}
{{- kindIs "invalid" .Values.anchor.terminationGracePeriodSeconds | ternary (include "sleeper.anchor.leastGrace" .) .Values.anchor.terminationGracePeriodSeconds | int -}}
{{- end }}
