{{- /*
Prepares .Values for every template: a value set to null, which Helm drops, means what the chart was generated with again;
then the rules between values are checked. Every template starts with it, as Helm promises no order; the first one does the work.
That it was done is noted beside .Values, where no user can note it.
*/}}
{{- define "foreign.prepare" -}}
{{- if not (hasKey . "_prepared") -}}
{{- $_ := set . "_prepared" true -}}
{{- $defaults := fromJson (include "foreign.values.defaults" .) -}}
{{- include "foreign.values.fill" (dict "values" .Values "defaults" $defaults "path" "") -}}
{{- include "foreign.validate" . -}}
{{- end -}}
{{- end }}

{{- /* Closed objects are objects here; any other default stands in a list of one, so that a map whose keys users choose is taken whole. */}}
{{- define "foreign.values.defaults" -}}
{"replicas":[2],"platform":["windows"],"colocation":["perReplica"],"target":{"exe":["C:\\a.exe"],"args":[[]],"workingDir":[""],"lifetime":["process"],"env":[{}],"ports":[{"http":{"port":8080}}],"mounts":[{}],"runAs":[""],"sha256":[""],"signedBy":[""],"perOrdinal":[{}]},"gate":{"startTimeoutSeconds":[300],"periodSeconds":[1],"successThreshold":[1],"failureThreshold":[3],"onUnhealthy":["unready"],"minUptimeSeconds":[0],"ports":[{}],"cpu":{"maxPercent":[null],"settleSeconds":[5]},"memory":{"minMiB":[null],"maxMiB":[null]},"handles":{"min":[null],"max":[null]},"threads":{"min":[null],"max":[null]},"processes":[{}],"http":[{}],"tcp":[{}],"exec":[{}]},"stop":{"drainSeconds":[20],"command":[[]],"commandSeconds":[30],"consoleEvent":["ctrlC"],"consoleSeconds":[30],"windowSeconds":[10]},"readiness":{"port":[8091],"periodSeconds":[5],"failureThreshold":[3]},"launcher":{"hostPath":[""],"python":[""],"source":["host"],"image":{"registry":[""],"repository":[""],"tag":[""],"digest":[""],"pullPolicy":["IfNotPresent"]},"kind":["mooring"],"attach":["job"],"resources":[{}],"podAnnotations":[{}],"podLabels":[{}]},"anchor":{"strategy":["static"],"create":[false],"selector":["app=net-{ordinal}"],"namespace":["nets"],"waitSeconds":[300],"unschedulableSeconds":[60],"image":{"registry":["registry.k8s.io"],"repository":["pause"],"tag":["3.10.1"],"digest":[""],"pullPolicy":["IfNotPresent"]},"podAnnotations":[{}],"podLabels":[{}],"resources":[{}],"serviceAccount":{"create":[true],"name":[""],"annotations":[{}]},"updateStrategy":{"type":["RollingUpdate"],"partition":[0],"maxUnavailable":[null]},"minReadySeconds":[0],"revisionHistoryLimit":[10],"affinity":[{}],"terminationGracePeriodSeconds":[null],"securityContext":[{}],"extraContainers":[[]]},"ordinals":{"start":[0]},"scaling":{"follow":[true]},"service":{"enabled":[true],"type":["ClusterIP"],"annotations":[{}],"perReplica":[false],"spec":[{}]},"serviceAccount":{"create":[true],"name":[""],"annotations":[{}]},"rbac":{"create":[true],"maxReplicas":[32]},"podDisruptionBudget":{"enabled":[true],"maxUnavailable":[1],"unhealthyPodEvictionPolicy":["AlwaysAllow"]},"autoscaling":{"enabled":[false],"minReplicas":[1],"maxReplicas":[10],"metrics":[[]],"behavior":[{}],"keda":{"enabled":[false],"annotations":[{}],"minReplicaCount":[1],"maxReplicaCount":[10],"idleReplicaCount":[null],"pollingInterval":[null],"cooldownPeriod":[null],"initialCooldownPeriod":[null],"triggers":[[]],"advanced":[{}],"fallback":[{}]}},"tests":{"enabled":[true],"timeoutSeconds":[60],"image":{"registry":[""],"repository":[""],"tag":[""],"digest":[""],"pullPolicy":["IfNotPresent"]},"resources":[{}],"podAnnotations":[{}]},"imagePullSecrets":[[]],"nodeSelector":[{}],"tolerations":[[]],"priorityClassName":[""],"topologySpreadConstraints":[[]],"updateStrategy":{"type":["RollingUpdate"],"partition":[0],"maxUnavailable":[null]},"minReadySeconds":[0],"revisionHistoryLimit":[10],"affinity":[{}],"terminationGracePeriodSeconds":[null],"podManagementPolicy":["Parallel"],"persistentVolumeClaimRetentionPolicy":[{}],"volumeClaimTemplates":[[]],"probes":{"startup":[{}],"readiness":[{}],"liveness":[{}]},"lifecycle":[{}],"hostAliases":[[]],"extraEnv":[[]],"envFrom":[[]],"extraVolumes":[[]],"extraVolumeMounts":[[]],"nameOverride":[""],"fullnameOverride":[""],"namespaceOverride":[""],"commonLabels":[{}],"commonAnnotations":[{}],"extraObjects":[[]],"enabled":[true],"global":[{}]}
{{- end }}

{{- define "foreign.values.fill" -}}
{{- $values := .values -}}
{{- $parent := .path -}}
{{- range $key, $default := .defaults -}}
{{- $path := printf "%s%s" $parent $key -}}
{{- if kindIs "slice" $default -}}
{{- if kindIs "invalid" (index $values $key) -}}
{{- $_ := set $values $key (first $default) -}}
{{- else if kindIs "map" (index $values $key) -}}
{{- include "foreign.values.dropNulls" (index $values $key) -}}
{{- end -}}
{{- else -}}
{{- if kindIs "invalid" (index $values $key) -}}
{{- $_ := set $values $key dict -}}
{{- end -}}
{{- if not (kindIs "map" (index $values $key)) -}}
{{- fail (printf "%s: must be an object, found %s" $path (toJson (index $values $key))) -}}
{{- end -}}
{{- include "foreign.values.fill" (dict "values" (index $values $key) "defaults" $default "path" (printf "%s." $path)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* An entry set to null is none: Helm takes it away only where the chart itself had it. */}}
{{- define "foreign.values.dropNulls" -}}
{{- $map := . -}}
{{- range $key, $value := $map -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $map $key -}}
{{- else if kindIs "map" $value -}}
{{- include "foreign.values.dropNulls" $value -}}
{{- end -}}
{{- end -}}
{{- end }}
