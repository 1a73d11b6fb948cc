{{- /* What both halves of a pair have in common, so that the same nodes fit both. */}}
{{- define "mooring.pod.common" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- /* No spec.os: the API server would reject a mesh's injected proxy for its Linux security fields. This selects the node instead. */}}
nodeSelector:
  {{- include "mooring.strings" (merge (dict "kubernetes.io/os" .Values.platform) .Values.nodeSelector) | nindent 2 }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
enableServiceLinks: false
{{- end }}

{{- /* An image reference. Takes (dict "image" .Values.anchor.image "registry" … "repository" … "tag" …), the last three where empty. */}}
{{- define "mooring.image" -}}
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
{{- define "mooring.updateStrategy" -}}
type: {{ quote .type }}
{{- if eq .type "RollingUpdate" }}
rollingUpdate:
  partition: {{ int .partition }}
  {{- if not (kindIs "invalid" .maxUnavailable) }}
  maxUnavailable: {{ toJson .maxUnavailable }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Whether launcher and anchor find each other's node by the index both have ("true", or empty). */}}
{{- define "mooring.pairsByIndex" -}}
{{- $alone := or (eq .Values.anchor.strategy "shared") (include "mooring.launcher.apart" .) -}}
{{- if and (eq .Values.colocation "perReplica") (not $alone) -}}true{{- end -}}
{{- end }}

{{- /*
A pod-affinity term for the pods of a component on the same node; with perReplica for the one of the same ordinal. The instance is
in the selector, because the index by itself would match every release's.
*/}}
{{- define "mooring.affinityTerm" -}}
labelSelector:
  matchLabels:
    {{- include "mooring.selectorLabels" . | nindent 4 }}
{{- if include "mooring.pairsByIndex" .root }}
matchLabelKeys:
  - apps.kubernetes.io/pod-index
{{- end }}
topologyKey: kubernetes.io/hostname
{{- end }}

{{- /*
The term for an ordinal's anchor that others created. One set of launchers has one term for all of them: it admits the anchor of
every ordinal the Role could name, and the index, which both must have, picks one. A key may not stand in both places.
Takes (dict "root" $ "ordinal" 3).
*/}}
{{- define "mooring.foreignTerm" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $index := "apps.kubernetes.io/pod-index" -}}
labelSelector:
  {{- if or (eq $values.anchor.strategy "shared") (include "mooring.launcher.apart" $root) }}
  matchLabels:
    {{- include "mooring.anchor.labelsOf" . | nindent 4 }}
  {{- else }}
  {{- $labels := include "mooring.anchor.labels" $root | fromJson }}
  {{- with $labels.common }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $start := int $values.ordinals.start }}
  {{- $paired := include "mooring.pairsByIndex" $root }}
  {{- with ne $paired "" | ternary (omit $labels.own $index) $labels.own }}
  matchExpressions:
    {{- range $key, $value := . }}
    - key: {{ $key | quote }}
      operator: In
      values:
        {{- range $ordinal := untilStep $start (add $start (int $values.rbac.maxReplicas) | int) 1 }}
        - {{ replace "{ordinal}" (toString $ordinal) $value | quote }}
        {{- end }}
    {{- end }}
  {{- end }}
  {{- if $paired }}
matchLabelKeys:
  - {{ $index }}
  {{- end }}
  {{- end }}
namespaces:
  - {{ include "mooring.anchor.namespace" $root | quote }}
topologyKey: kubernetes.io/hostname
{{- end }}

{{- /*
The user's affinity with mooring's pod affinity added to it. Takes (dict "affinity" … "required" [terms] "preferred" [weighted terms]).
*/}}
{{- define "mooring.affinity" -}}
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
{{- define "mooring.anchor.affinity" -}}
{{- if eq .Values.anchor.strategy "shared" -}}
{{- /* A shared anchor goes anywhere, and the launchers follow it. */ -}}
{{- toYaml .Values.anchor.affinity -}}
{{- else -}}
{{- $term := fromYaml (include "mooring.affinityTerm" (dict "root" . "component" "launcher")) -}}
{{- include "mooring.affinity" (dict "affinity" .Values.anchor.affinity "required" (list $term)) -}}
{{- end -}}
{{- end }}

{{- /* Whether the launcher must avoid Windows Server 2019 (build 10.0.17763), where it would not be at the path that its command names. */}}
{{- define "mooring.launcher.needsBinding" -}}
{{- if and (eq .Values.platform "windows") (eq .Values.launcher.source "configMap") }}true{{ end -}}
{{- end }}

{{- /*
An affinity that excludes those nodes: Server 2019 binds no volume to its path (no bindflt), and whoever makes that path on C: there would
be run as SYSTEM. Takes (dict "root" $ "affinity" .Values.affinity).
*/}}
{{- define "mooring.launcher.nodes" -}}
{{- $affinity := deepCopy .affinity -}}
{{- if include "mooring.launcher.needsBinding" .root -}}
{{- $binding := dict "key" "node.kubernetes.io/windows-build" "operator" "NotIn" "values" (list "10.0.17763") -}}
{{- $nodes := $affinity.nodeAffinity | default dict -}}
{{- $terms := list -}}
{{- range dig "requiredDuringSchedulingIgnoredDuringExecution" "nodeSelectorTerms" list $nodes -}}
{{- /* An empty term matches no node; leave it empty. */}}
{{- $terms = append $terms (empty . | ternary . (set (deepCopy .) "matchExpressions" (append (.matchExpressions | default list) $binding))) -}}
{{- end -}}
{{- $terms = $terms | default (list (dict "matchExpressions" (list $binding))) -}}
{{- $_ := set $nodes "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) -}}
{{- $_ := set $affinity "nodeAffinity" $nodes -}}
{{- end -}}
{{- toYaml $affinity -}}
{{- end }}

{{- /* Takes (dict "root" $ "ordinal" 3); the ordinal counts where each launcher has a set of its own. */}}
{{- define "mooring.launcher.affinity" -}}
{{- $ordinal := .ordinal -}}
{{- with .root -}}
{{- $own := fromYaml (include "mooring.launcher.nodes" (dict "root" . "affinity" .Values.affinity)) -}}
{{- if not .Values.anchor.create -}}
{{- $term := fromYaml (include "mooring.foreignTerm" (dict "root" . "ordinal" $ordinal)) -}}
{{- include "mooring.affinity" (dict "affinity" $own "required" (list $term)) -}}
{{- else if eq .Values.anchor.strategy "shared" -}}
{{- $term := fromYaml (include "mooring.affinityTerm" (dict "root" . "component" "anchor")) -}}
{{- include "mooring.affinity" (dict "affinity" $own "required" (list $term)) -}}
{{- else if eq .Values.colocation "perReplica" -}}
{{- $term := fromYaml (include "mooring.affinityTerm" (dict "root" . "component" "anchor")) -}}
{{- include "mooring.affinity" (dict "affinity" $own "preferred" (list (dict "weight" 100 "podAffinityTerm" $term))) -}}
{{- else -}}
{{- $term := fromYaml (include "mooring.affinityTerm" (dict "root" . "component" "launcher")) -}}
{{- include "mooring.affinity" (dict "affinity" $own "required" (list $term)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Seconds: drain, every rung of the ladder, and 10 s. */}}
{{- define "mooring.launcher.leastGrace" -}}
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

{{- define "mooring.launcher.grace" -}}
{{- kindIs "invalid" .Values.terminationGracePeriodSeconds | ternary (include "mooring.launcher.leastGrace" .) .Values.terminationGracePeriodSeconds | int -}}
{{- end }}

{{- /* An anchor outlives its program. */}}
{{- define "mooring.anchor.leastGrace" -}}
{{- add (include "mooring.launcher.grace" . | int) 10 -}}
{{- end }}

{{- define "mooring.anchor.grace" -}}
{{- kindIs "invalid" .Values.anchor.terminationGracePeriodSeconds | ternary (include "mooring.anchor.leastGrace" .) .Values.anchor.terminationGracePeriodSeconds | int -}}
{{- end }}
