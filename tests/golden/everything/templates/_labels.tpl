{{- /* What selectors match. It never changes during the life of a release, because selectors of sets are immutable. Takes (dict "root" $ "component" "anchor"). */}}
{{- define "everything.selectorLabels" -}}
app.kubernetes.io/name: {{ include "everything.name" .root | quote }}
app.kubernetes.io/instance: {{ include "everything.instance" .root | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ quote . }}
{{- end }}
{{- end }}

{{- /* Labels of an object. Takes (dict "root" $ "component" "anchor" "labels" …); all but root may be absent. */}}
{{- define "everything.labels" -}}
{{- $own := fromYaml (include "everything.selectorLabels" .) -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/version" (include "everything.labelValue" .root.Chart.AppVersion) -}}
{{- $_ := set $own "helm.sh/chart" (include "everything.labelValue" (printf "%s-%s" .root.Chart.Name .root.Chart.Version)) -}}
{{- include "everything.strings" (merge $own (.labels | default dict) .root.Values.commonLabels) -}}
{{- end }}

{{- /*
Labels of pods, without chart and app version, which would restart the anchors' network with every upgrade of the program.
Takes (dict "root" $ "component" "anchor" "labels" .Values.anchor.podLabels).
*/}}
{{- define "everything.podLabels" -}}
{{- $own := fromYaml (include "everything.selectorLabels" .) -}}
{{- include "everything.strings" (merge $own .labels .root.Values.commonLabels) -}}
{{- end }}

{{- /* Annotations of an object. Takes (dict "root" $ "annotations" …). */}}
{{- define "everything.annotations" -}}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations -}}
annotations:
  {{- include "everything.strings" . | nindent 2 }}
{{- end -}}
{{- end }}

{{- /* Annotations with those for a mesh. Takes (dict "root" $ "of" "pod" "annotations" …), "of" "service" with its "ports" too. */}}
{{- define "everything.meshAnnotations" -}}
{{- $own := dict -}}
{{- if .root.Values.mesh.linkerd.enabled -}}
{{- $own = include (printf "everything.linkerd.annotations.%s" .of) . | fromYaml -}}
{{- end -}}
{{- include "everything.annotations" (dict "root" .root "annotations" (merge (dict) .annotations $own)) -}}
{{- end }}

{{- /* Labels and annotations are strings, even if someone wrote 1 or true. */}}
{{- define "everything.strings" -}}
{{- $strings := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $strings $key (kindIs "string" $value | ternary $value (toJson $value)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $strings -}}
{{- end }}

{{- /* Any text as a legal label value: other characters become _, both ends are letters or digits. */}}
{{- define "everything.labelValue" -}}
{{- regexReplaceAll "^[^A-Za-z0-9]+|[^A-Za-z0-9]+$" (regexReplaceAll "[^A-Za-z0-9._-]" . "_" | trunc 63) "" -}}
{{- end }}
