{{- /*
All names of all objects. The base is at most 45 characters, so that <fullname>-anchor has at most 52: a StatefulSet's revision
label is <set>-<10 characters> and must fit 63 (kubernetes#64023).

The base is the release's name, which Helm keeps unique in a namespace, and never the usual <release>-<chart>, with which release
"a" of chart "b" takes the names of release "a-b". A name that had to be changed, or that could be another release's object
(release "x-anchor" beside release "x", or a chart inside an umbrella chart), ends in a hash of the full one.
*/}}
{{- define "everything.fullname" -}}
{{- $inside := not (or .Chart.IsRoot .Values.fullnameOverride) -}}
{{- $full := .Values.fullnameOverride | default ($inside | ternary (printf "%s-%s" .Release.Name .Chart.Name) .Release.Name) -}}
{{- $legal := regexReplaceAll "^([0-9])" (replace "." "-" $full) "r${1}" -}}
{{- if or $inside (ne $legal $full) (gt (len $full) 45) (regexMatch "-(anchor|launcher)(-[0-9]+)?$" $full) -}}
{{- printf "%s-%s" ($legal | trunc 36 | trimSuffix "-") ($inside | ternary (printf "%s/%s" .Release.Name .Chart.Name) $full | sha256sum | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end }}

{{- define "everything.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end }}

{{- define "everything.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "everything.launcher.fullname" -}}
{{- include "everything.fullname" . -}}
{{- end }}

{{- define "everything.anchor.fullname" -}}
{{- include "everything.fullname" . }}-anchor
{{- end }}

{{- define "everything.launcher.headless" -}}
{{- include "everything.fullname" . }}-launcher
{{- end }}

{{- define "everything.anchor.headless" -}}
{{- include "everything.anchor.fullname" . -}}
{{- end }}

{{- define "everything.launcher.serviceAccountName" -}}
{{- $account := .Values.serviceAccount -}}
{{- $account.name | default ($account.create | ternary (printf "%s-launcher" (include "everything.fullname" .)) "default") -}}
{{- end }}

{{- define "everything.anchor.serviceAccountName" -}}
{{- $account := .Values.anchor.serviceAccount -}}
{{- $account.name | default ($account.create | ternary (include "everything.anchor.fullname" .) "default") -}}
{{- end }}

{{- /* The pods of one component that the Role names: a JSON list, as ordinals go up to rbac.maxReplicas. */}}
{{- define "everything.podNames" -}}
{{- $set := .set -}}
{{- $start := int .root.Values.ordinals.start -}}
{{- $names := list -}}
{{- range $ordinal := untilStep $start (add $start (int .root.Values.rbac.maxReplicas) | int) 1 -}}
{{- $names = append $names (printf "%s-%d" $set $ordinal) -}}
{{- end -}}
{{- toYaml $names -}}
{{- end }}
