{{- /* Whether there is a test ("true", or empty). Anchors that others created are theirs to test. */}}
{{- define "mooring.test.enabled" -}}
{{- if and .Values.tests.enabled .Values.anchor.create (not (include "mooring.cplauncher" .)) -}}true{{- end -}}
{{- end }}

{{- /* The Service to probe, or nothing. */}}
{{- define "mooring.test.service" -}}
{{- if and .Values.service.enabled .Values.target.ports (ne .Values.anchor.strategy "shared") -}}
{{- include "mooring.fullname" . -}}
{{- end -}}
{{- end }}

{{- /*
Labels of the test's objects. The name is one that no chart can have, so that no Service, no affinity and above all not the PodDisruptionBudget selects
the pod: one that no controller owns makes the whole budget fail (disruption.go: getExpectedPodCount).
*/}}
{{- define "mooring.test.labels" -}}
{{- $own := fromYaml (include "mooring.labels" (dict "root" . "component" "test")) -}}
{{- toYaml (set $own "app.kubernetes.io/name" (printf "%s.test" (include "mooring.name" . | trunc 58) | include "mooring.labelValue")) -}}
{{- end }}

{{- /* The launcher's image, overridden by tests.image, which may set only a registry, tag or digest. */}}
{{- define "mooring.test.image" -}}
{{- $own := .Values.tests.image -}}
{{- if $own.repository -}}
{{- include "mooring.image" (dict "image" $own "registry" "" "repository" "" "tag" "") -}}
{{- else -}}
{{- $its := .Values.launcher.image -}}
{{- $version := or $own.tag $own.digest | empty | ternary $its $own -}}
{{- $image := dict "registry" ($own.registry | default $its.registry) "repository" $its.repository "tag" $version.tag "digest" $version.digest -}}
{{- include "mooring.launcher.imageOf" (dict "root" . "image" $image) -}}
{{- end -}}
{{- end }}

{{- /*
Helm 4 reads the log before it deletes the pod of a test that succeeded, Helm 3 afterwards, and would find none: there the pod stays until
the next test.
*/}}
{{- define "mooring.test.deletePolicy" -}}
before-hook-creation{{ if semverCompare ">=4.0.0-0" .Capabilities.HelmVersion.Version }},hook-succeeded{{ end -}}
{{- end }}
