{{- /* Rules between volumes and where they are mounted; the generator's are in model/rules/volumes.py. */}}
{{- define "mooring.rules.volumes" -}}
{{- $names := dict -}}
{{- $values := .Values -}}
{{- $places := list -}}
{{- range $number, $volume := $values.extraVolumes -}}
{{- $places = append $places (list (printf "extraVolumes.%d.name" $number) (toString $volume.name)) -}}
{{- end -}}
{{- range $number, $claim := $values.volumeClaimTemplates -}}
{{- $places = append $places (list (printf "volumeClaimTemplates.%d.metadata.name" $number) (toString $claim.metadata.name)) -}}
{{- end -}}
{{- range $places -}}
{{- $name := last . -}}
{{- if or (has $name (list "config" "state" "launcher" "launcher-code" "netns")) (hasPrefix "mount-" $name) -}}
{{- include "mooring.refuse" (list (first .) $name "is the name of one of mooring's own volumes" "choose another name") -}}
{{- end -}}
{{- if hasKey $names $name -}}
{{- include "mooring.refuse" (list (first .) $name "is the name of more than one volume" "choose another name") -}}
{{- end -}}
{{- $_ := set $names $name true -}}
{{- end -}}
{{- include "mooring.rules.mounts" . -}}
{{- range $key := list "config" "state" "launcher" -}}
{{- $_ := set $names $key true -}}
{{- end -}}
{{- if eq $values.launcher.source "configMap" -}}
{{- $_ := set $names "launcher-code" true -}}
{{- end -}}
{{- if eq $values.platform "linux" -}}
{{- $_ := set $names "netns" true -}}
{{- end -}}
{{- range $key, $_ := $values.target.mounts -}}
{{- $_ := set $names (printf "mount-%s" $key) true -}}
{{- end -}}
{{- range $number, $mount := $values.extraVolumeMounts -}}
{{- if not (hasKey $names (toString $mount.name)) -}}
{{- include "mooring.refuse" (list (printf "extraVolumeMounts.%d.name" $number) $mount.name "is not the name of a volume" "add it to extraVolumes or volumeClaimTemplates, or correct the name") -}}
{{- end -}}
{{- end -}}
{{- range $number, $container := $values.anchor.extraContainers -}}
{{- range $key := list "volumeMounts" "volumeDevices" -}}
{{- with index $container $key -}}
{{- include "mooring.refuse" (list (printf "anchor.extraContainers.%d.%s" $number $key) . "must be left out: the anchor's pod has no volumes" "leave it out") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "mooring.rules.mounts" -}}
{{- $root := . -}}
{{- $seen := dict -}}
{{- $own := list (include "mooring.launcher.configDir" .) (include "mooring.launcher.stateDir" .) (include "mooring.launcher.codeDir" .) (include "mooring.launcher.hostPath" .) -}}
{{- range eq .Values.platform "linux" | ternary (append $own "/run/netns") $own -}}
{{- $_ := set $seen (include "mooring.rules.samePath" (list $root .)) true -}}
{{- end -}}
{{- $places := list -}}
{{- range $name, $mount := .Values.target.mounts -}}
{{- $places = append $places (list (printf "target.mounts.%s" $name) ($mount.mountPath | default $mount.hostPath)) -}}
{{- $path := printf "target.mounts.%s.hostPath" $name -}}
{{- if not $mount.hostPath -}}
{{- include "mooring.refuse" (list $path "" "must be set" "write the path on the node") -}}
{{- else if has ".." (regexSplit `[/\\]` $mount.hostPath -1) -}}
{{- include "mooring.refuse" (list $path $mount.hostPath "must not contain .., which Kubernetes rejects" "write the full path") -}}
{{- end -}}
{{- end -}}
{{- range $number, $mount := .Values.extraVolumeMounts -}}
{{- $places = append $places (list (printf "extraVolumeMounts.%d.mountPath" $number) (toString $mount.mountPath)) -}}
{{- end -}}
{{- range $places -}}
{{- $path := include "mooring.rules.samePath" (list $root (last .)) -}}
{{- if hasKey $seen $path -}}
{{- include "mooring.refuse" (list (first .) (last .) "is already a mount path, of another entry or of mooring" "give each entry its own mountPath") -}}
{{- end -}}
{{- $_ := set $seen $path true -}}
{{- end -}}
{{- end }}

{{- /* One spelling of a path: Windows ignores case and has two slashes; a trailing one never counts. Takes (list $ path). */}}
{{- define "mooring.rules.samePath" -}}
{{- $path := last . -}}
{{- if eq (first .).Values.platform "windows" -}}
{{- $path = replace "/" "\\" $path | lower -}}
{{- end -}}
{{- regexReplaceAll `[/\\]+$` $path "" -}}
{{- end }}
