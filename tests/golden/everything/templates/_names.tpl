{{- /*
All names of all objects. The base is at most 45 characters, so that <fullname>-anchor has at most 52: a StatefulSet's revision
label is <set>-<10 characters> and must fit 63 (kubernetes#64023). With anchor.strategy: static, where sets are called
<fullname>-anchor-<n> or <fullname>-launcher-<n>, it is at most 37.

The base is the release's name, which Helm keeps unique in a namespace, and never the usual <release>-<chart>, with which release
"a" of chart "b" takes the names of release "a-b". A name that had to be changed, or that could be another release's object
(release "x-anchor" beside release "x", or a chart inside an umbrella chart), ends in a hash of the full one. An umbrella chart's alias for
this chart is a key of its values, so it may have capitals and "_", which no name may.
*/}}
{{- define "everything.fullname" -}}
{{- $most := eq .Values.anchor.strategy "static" | ternary 37 45 -}}
{{- $inside := not (or .Chart.IsRoot .Values.fullnameOverride) -}}
{{- $full := .Values.fullnameOverride | default ($inside | ternary (printf "%s-%s" .Release.Name .Chart.Name) .Release.Name) -}}
{{- $legal := regexReplaceAll "^([0-9])" (regexReplaceAll "[^a-z0-9-]" (lower $full) "-") "r${1}" -}}
{{- if or $inside (ne $legal $full) (gt (len $full) $most) (regexMatch "-(anchor|launcher)(-[0-9]+)?$" $full) -}}
{{- printf "%s-%s" ($legal | trunc (sub $most 9 | int) | trimSuffix "-") ($inside | ternary (include "everything.place" .) $full | sha256sum | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end }}

{{- define "everything.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end }}

{{- define "everything.name" -}}
{{- .Values.nameOverride | default .Chart.Name | include "everything.labelValue" -}}
{{- end }}

{{- /*
Where in its release a chart is: no other chart of the release is there. One that a chart of the umbrella chart brings along is known
by its path, as another may bring the same one.
*/}}
{{- define "everything.place" -}}
{{- $path := splitList "/charts/" .Template.BasePath -}}
{{- printf "%s/%s" .Release.Name (gt (len $path) 2 | ternary (rest $path | join "/" | trimSuffix "/templates") .Chart.Name) -}}
{{- end }}

{{- /*
The instance in labels and selectors: the release. Inside an umbrella chart two charts may have one name, by nameOverride or because they are
brought along twice, and in a namespace that is not the release's (namespaceOverride) two releases: each has an instance of its own then,
or they would select each other's pods, and two disruption budgets for one pod block every eviction.
*/}}
{{- define "everything.instance" -}}
{{- $shared := and (not .Chart.IsRoot) (or .Values.nameOverride (splitList "/charts/" .Template.BasePath | len | lt 2)) -}}
{{- $abroad := and .Values.fullnameOverride (ne (include "everything.namespace" .) .Release.Namespace) -}}
{{- if or $shared $abroad -}}
{{- printf "%s-%s" (.Release.Name | trunc 54 | trimSuffix "-") (printf "%s/%s" (include "everything.place" .) .Release.Namespace | sha256sum | trunc 8) -}}
{{- else -}}
{{- .Release.Name | trunc 63 -}}
{{- end -}}
{{- end }}

{{- define "everything.launcher.fullname" -}}
{{- include "everything.fullname" . -}}
{{- end }}

{{- define "everything.anchor.fullname" -}}
{{- include "everything.fullname" . }}-anchor
{{- end }}

{{- /* The pod of an ordinal's anchor. Takes (dict "root" $ "ordinal" 3); the ordinal may be a placeholder. */}}
{{- define "everything.anchor.pod" -}}
{{- $n := toString .ordinal -}}
{{- $suffix := dict "ordinal" $n "static" (printf "%s-%s" $n $n) "shared" (int .root.Values.ordinals.start | toString) -}}
{{- printf "%s-%s" (include "everything.anchor.fullname" .root) (get $suffix .root.Values.anchor.strategy) -}}
{{- end }}

{{- define "everything.test.fullname" -}}
{{- include "everything.fullname" . }}-test
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

{{- /* The ordinals of the replicas, a JSON list. */}}
{{- define "everything.ordinals" -}}
{{- $start := int .Values.ordinals.start -}}
{{- untilStep $start (add $start (int .Values.replicas) | int) 1 | toJson -}}
{{- end }}

{{- /* Whether each launcher has its own StatefulSet ("true", or empty): without one it could not follow an anchor that has no index. */}}
{{- define "everything.launcher.apart" -}}
{{- if and (eq .Values.anchor.strategy "static") (not .Values.anchor.create) -}}true{{- end -}}
{{- end }}

{{- /*
The StatefulSets of a component, a JSON list: name, first ordinal, the label that tells one's pods from another's (or none), and
replicas where the chart knows them for sure. Takes (dict "root" $ "component" "anchor").
*/}}
{{- define "everything.sets" -}}
{{- $values := .root.Values -}}
{{- $start := int $values.ordinals.start -}}
{{- $name := include (printf "everything.%s.fullname" .component) .root -}}
{{- $sets := list -}}
{{- $apart := include "everything.launcher.apart" .root -}}
{{- if eq .component "anchor" | and (not $values.anchor.create) -}}
{{- else if eq .component "anchor" | and (eq $values.anchor.strategy "shared") -}}
{{- $sets = list (dict "name" $name "start" $start "replicas" 1) -}}
{{- else if or $apart (eq .component "anchor" | and (eq $values.anchor.strategy "static")) -}}
{{- range $ordinal := include "everything.ordinals" .root | fromJsonArray -}}
{{- $own := printf "%s-%s%d" $name (eq $.component "launcher" | ternary "launcher-" "") (int $ordinal) -}}
{{- $sets = append $sets (dict "name" $own "start" $ordinal "replicas" 1 "app" $own) -}}
{{- end -}}
{{- else -}}
{{- $sets = list (dict "name" $name "start" $start) -}}
{{- end -}}
{{- toJson $sets -}}
{{- end }}

{{- /* The name of a replica's pod. Takes (dict "root" $ "component" "anchor" "ordinal" 3). */}}
{{- define "everything.podName" -}}
{{- $name := include (printf "everything.%s.fullname" .component) .root -}}
{{- $strategy := .root.Values.anchor.strategy -}}
{{- if eq .component "launcher" | and (include "everything.launcher.apart" .root) -}}
{{- printf "%s-launcher-%d-%d" $name .ordinal .ordinal -}}
{{- else if eq .component "anchor" | and (eq $strategy "static") -}}
{{- printf "%s-%d-%d" $name .ordinal .ordinal -}}
{{- else if eq .component "anchor" | and (eq $strategy "shared") -}}
{{- printf "%s-%d" $name (int .root.Values.ordinals.start) -}}
{{- else -}}
{{- printf "%s-%d" $name .ordinal -}}
{{- end -}}
{{- end }}

{{- /* The pods of one component that the Role names: a list, as ordinals go up to rbac.maxReplicas. Takes (dict "root" $ "component" "anchor"). */}}
{{- define "everything.podNames" -}}
{{- $scope := . -}}
{{- $start := int .root.Values.ordinals.start -}}
{{- $names := list -}}
{{- range $ordinal := untilStep $start (add $start (int .root.Values.rbac.maxReplicas) | int) 1 -}}
{{- $names = append $names (include "everything.podName" (merge (dict "ordinal" $ordinal) $scope)) -}}
{{- end -}}
{{- toYaml (uniq $names) -}}
{{- end }}

{{- /* Where the anchors are. */}}
{{- define "everything.anchor.namespace" -}}
{{- .Values.anchor.namespace | default (include "everything.namespace" .) -}}
{{- end }}

{{- /*
How anchors that others created are found: labels the same for all ("common") and labels with an {ordinal} in their value ("own"), as JSON.
*/}}
{{- define "everything.anchor.labels" -}}
{{- $common := dict -}}
{{- $own := dict -}}
{{- range splitList "," .Values.anchor.selector -}}
{{- $parts := splitn "=" 2 . -}}
{{- $_ := set (contains "{ordinal}" . | ternary $own $common) $parts._0 $parts._1 -}}
{{- end -}}
{{- dict "common" $common "own" $own | toJson -}}
{{- end }}

{{- /* The labels of one ordinal's anchor that others created. Takes (dict "root" $ "ordinal" 3). */}}
{{- define "everything.anchor.labelsOf" -}}
{{- replace "{ordinal}" (toString .ordinal) .root.Values.anchor.selector | splitList "," | include "everything.pairs" -}}
{{- end }}

{{- define "everything.pairs" -}}
{{- $labels := dict -}}
{{- range . -}}
{{- $parts := splitn "=" 2 . -}}
{{- $_ := set $labels $parts._0 $parts._1 -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end }}

{{- /* Whether Services can reach the anchors ("true", or empty): a Service selects only in its own namespace. */}}
{{- define "everything.anchor.servable" -}}
{{- if eq (include "everything.anchor.namespace" .) (include "everything.namespace" .) -}}true{{- end -}}
{{- end }}
