{{- /*
The rules between values, all of them checked before anything renders. A schema cannot say them, and --skip-schema-validation or a
null would get past one. The generator checks the same for Apps; a test holds the two against each other.
*/}}
{{- define "everything.validate" -}}
{{- $found := list -}}
{{- /* The rules between values rely on their shapes. */}}
{{- $wrong := index . "_misshapen" | trim -}}
{{- if not $wrong -}}
{{- $wrong = include "everything.rules" . -}}
{{- end -}}
{{- range (printf "%s\n%s" (index . "_broken" | default "") $wrong | splitList "\n") -}}
{{- if trim . -}}
{{- $found = append $found (trim .) -}}
{{- end -}}
{{- end -}}
{{- if $found -}}
{{- fail (printf "\n\n%s cannot be installed like this:\n  - %s\n" .Chart.Name (join "\n  - " $found)) -}}
{{- end -}}
{{- end }}

{{- /* One broken rule on a line. Takes (list key found rule fix). */}}
{{- define "everything.refuse" }}
{{ index . 0 }} {{ index . 2 }}; found {{ index . 1 | toJson }}; {{ index . 3 }}
{{ end }}

{{- define "everything.rules" -}}
{{- $target := .Values.target -}}
{{- $gate := .Values.gate -}}
{{- $stop := .Values.stop -}}
{{- $platform := .Values.platform -}}
{{- include "everything.rules.cluster" . -}}
{{- if not $target.exe -}}
{{- include "everything.refuse" (list "target.exe" "" "must be set" "write the program's full path on the node, e.g. C:\\apps\\orders\\orders.exe") -}}
{{- end -}}
{{- $build := "node.kubernetes.io/windows-build" -}}
{{- if and (include "everything.launcher.needsBinding" .) (eq (index .Values.nodeSelector $build | toString) "10.0.17763") -}}
{{- include "everything.refuse" (list (include "everything.key" (list "nodeSelector" $build)) "10.0.17763" "is Windows Server 2019, where a launcher from a ConfigMap cannot be found: volumes do not appear at their mount paths there (no bindflt)" "use launcher.source: host, or nodes of Windows Server 2022 or later") -}}
{{- end -}}
{{- include "everything.rules.paths" . -}}
{{- include "everything.rules.text" . -}}
{{- include "everything.rules.ports" . -}}
{{- range $key, $limits := dict
  "memory" (list "minMiB" "maxMiB")
  "handles" (list "min" "max")
  "threads" (list "min" "max")
-}}
{{- $low := index $gate $key (first $limits) -}}
{{- $high := index $gate $key (last $limits) -}}
{{- if not (or (kindIs "invalid" $low) (kindIs "invalid" $high)) -}}
{{- if gt (int64 $low) (int64 $high) -}}
{{- include "everything.refuse" (list (printf "gate.%s.%s" $key (first $limits)) $low (printf "is above gate.%s.%s (%d)" $key (last $limits) (int64 $high)) "swap or correct them") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $check := $gate.exec -}}
{{- if not $check.command -}}
{{- include "everything.refuse" (list (printf "gate.exec.%s.command" $name) list "must name a program" "write its full path and arguments") -}}
{{- end -}}
{{- end -}}
{{- $least := add (mul (int .Values.readiness.periodSeconds) (int .Values.readiness.failureThreshold)) 5 -}}
{{- if lt (int64 $stop.drainSeconds) $least -}}
{{- include "everything.refuse" (list "stop.drainSeconds" $stop.drainSeconds (printf "must be at least readiness.periodSeconds x readiness.failureThreshold + 5 = %d" $least) "raise it, or lower the two") -}}
{{- end -}}
{{- $least = include "everything.launcher.leastGrace" . | int -}}
{{- $given := include "everything.launcher.grace" . | int -}}
{{- $leastAnchor := max $least $given | add 10 -}}
{{- $anchors := .Values.anchor.terminationGracePeriodSeconds -}}
{{- $isShort := and (not (kindIs "invalid" $anchors)) (lt (int64 ($anchors | default 0)) $leastAnchor) -}}
{{- if lt $given $least -}}
{{- if $isShort -}}
{{- include "everything.refuse" (list "terminationGracePeriodSeconds" .Values.terminationGracePeriodSeconds (printf "must be at least %d: stop.drainSeconds, all rungs of stop and 10 s, and anchor.terminationGracePeriodSeconds (%d) at least %d" $least (int64 $anchors) $leastAnchor) "raise it, or leave it out") -}}
{{- else -}}
{{- include "everything.refuse" (list "terminationGracePeriodSeconds" .Values.terminationGracePeriodSeconds (printf "must be at least %d: stop.drainSeconds, all rungs of stop and 10 s" $least) "raise it, or leave it out") -}}
{{- end -}}
{{- else if $isShort -}}
{{- include "everything.refuse" (list "anchor.terminationGracePeriodSeconds" $anchors (printf "must be at least %d: the launcher's grace period and 10 s" $leastAnchor) "raise it, or leave it out") -}}
{{- end -}}
{{- include "everything.rules.replicas" . -}}
{{- include "everything.rules.source" . -}}
{{- if ne .Values.podManagementPolicy "Parallel" -}}
{{- include "everything.refuse" (list "podManagementPolicy" .Values.podManagementPolicy "must be Parallel: OrderedReady stops at the first unready pod, which blocks rollouts and scale-in" "leave it out") -}}
{{- end -}}
{{- include "everything.rules.env" (dict "platform" $platform "path" "target.env" "env" $target.env) -}}
{{- range $ordinal, $one := $target.perOrdinal -}}
{{- include "everything.rules.env" (dict "platform" $platform "path" (printf "target.perOrdinal.%s.env" $ordinal) "env" ($one.env | default dict)) -}}
{{- end -}}
{{- range $number, $variable := .Values.extraEnv -}}
{{- include "everything.rules.env" (dict "platform" $platform "path" (printf "extraEnv.%d" $number) "env" (dict (toString $variable.name) "")) -}}
{{- end -}}
{{- include "everything.rules.volumes" . -}}
{{- include "everything.rules.pods" . -}}
{{- include "everything.rules.services" . -}}
{{- if .Values.mesh.linkerd.enabled -}}
{{- include "everything.rules.linkerd" . -}}
{{- end -}}
{{- include "everything.rules.network" . -}}
{{- include "everything.rules.affinity" . -}}
{{- include "everything.rules.anchors" . -}}
{{- include "everything.rules.shared" . -}}
{{- include "everything.rules.supported" . -}}
{{- include "everything.rules.cplauncher" . -}}
{{- $size := add (len (toJson $target)) (len (toJson $gate)) (len (toJson $stop)) -}}
{{- if gt $size 204800 -}}
{{- include "everything.refuse" (list "target" (printf "%d bytes" $size) "must stay below 204800 bytes together with gate and stop: all three go into one annotation" "move large arguments into a file on the node") -}}
{{- end -}}
{{- end }}

{{- /* Older clusters silently drop matchLabelKeys, and pairs would be split. */}}
{{- define "everything.rules.cluster" -}}
{{- if and (include "everything.pairsByIndex" .) (semverCompare "<1.31.0-0" .Capabilities.KubeVersion.Version) -}}
{{- include "everything.refuse" (list "colocation" "perReplica" (printf "needs Kubernetes 1.31 or later (podAffinity matchLabelKeys); this is %s" .Capabilities.KubeVersion.Version) "set colocation: singleNode, which keeps all pairs on one node") -}}
{{- end -}}
{{- end }}

{{- /* Only the chart knows whether it carries the launcher: the generator puts it there if the App says so. */}}
{{- define "everything.rules.source" -}}
{{- if and (eq .Values.launcher.source "configMap") (not (include "everything.launcher.archive" .)) -}}
{{- include "everything.refuse" (list "launcher.source" "configMap" "needs a chart that carries the launcher; this one was generated without it" "set values.launcher.source: configMap in the App and generate again, or use host") -}}
{{- end -}}
{{- end }}

{{- define "everything.rules.paths" -}}
{{- $platform := .Values.platform -}}
{{- $paths := dict "target.exe" .Values.target.exe "target.workingDir" .Values.target.workingDir "launcher.hostPath" .Values.launcher.hostPath "launcher.python" .Values.launcher.python -}}
{{- range $name, $mount := .Values.target.mounts -}}
{{- $_ := set $paths (printf "target.mounts.%s.hostPath" $name) $mount.hostPath -}}
{{- $_ := set $paths (printf "target.mounts.%s.mountPath" $name) ($mount.mountPath | default "") -}}
{{- end -}}
{{- if eq $platform "windows" -}}
{{- range $key := list "hostPath" "python" -}}
{{- if regexMatch `[&|^%<>()!"' ]` (index $.Values.launcher $key) -}}
{{- include "everything.refuse" (list (printf "launcher.%s" $key) (index $.Values.launcher $key) "must not contain spaces, quotes or & | ^ % < > ( ) !: HostProcess commands go through cmd /c" "install the launcher in a directory with a plain name") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $absolute := eq $platform "windows" | ternary `^(\\\\|[A-Za-z]:[\\/])` `^/` -}}
{{- $example := eq $platform "windows" | ternary "C:\\apps\\orders" "/opt/orders" -}}
{{- range $key, $path := $paths -}}
{{- if and $path (not (regexMatch $absolute $path)) (not (regexMatch `[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]` $path)) -}}
{{- include "everything.refuse" (list $key $path (printf "must be an absolute path on %s" $platform) (printf "write the full path, e.g. %s" $example)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "everything.rules.ports" -}}
{{- $ports := .Values.target.ports -}}
{{- $listened := dict -}}
{{- $served := dict -}}
{{- $readiness := int .Values.readiness.port -}}
{{- range $name, $port := $ports -}}
{{- $protocol := $port.protocol | default "TCP" -}}
{{- $key := printf "%d/%s" (int $port.port) $protocol -}}
{{- if hasKey $listened $key -}}
{{- include "everything.refuse" (list (printf "target.ports.%s.port" $name) $port.port (printf "is used by more than one port of target.ports (%s)" $protocol) "give each its own port") -}}
{{- end -}}
{{- $_ := set $listened $key true -}}
{{- $servicePort := $port.servicePort | default $port.port | int -}}
{{- $key = printf "%d/%s" $servicePort $protocol -}}
{{- /* Two with one port number also have one Service port; the rule above reports that. */}}
{{- if ne (get $served $key | default $port.port | int) (int $port.port) -}}
{{- include "everything.refuse" (list (printf "target.ports.%s.servicePort" $name) $servicePort (printf "is used by more than one port of the Service (%s)" $protocol) "give each its own servicePort") -}}
{{- end -}}
{{- $_ := set $served $key (get $served $key | default $port.port) -}}
{{- if contains "--" $name -}}
{{- include "everything.refuse" (list (printf "target.ports.%s" $name) $name "has two hyphens in a row, which Kubernetes rejects in a port name" "write one") -}}
{{- end -}}
{{- if eq $name "readiness" -}}
{{- include "everything.refuse" (list (printf "target.ports.%s" $name) $name "is the name of mooring's own port" "choose another name for the program's port") -}}
{{- end -}}
{{- if and (eq (int $port.port) $readiness) (eq $protocol "TCP") -}}
{{- include "everything.refuse" (list "readiness.port" $readiness (printf "is the program's own port %s" $name) "choose a readiness.port that the program does not use") -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.gate.ports -}}
{{- if not (hasKey $ports $name) -}}
{{- include "everything.refuse" (list (printf "gate.ports.%s" $name) $name "must be a port named in target.ports" "declare it there, or remove it here") -}}
{{- end -}}
{{- end -}}
{{- range $kind, $checks := pick .Values.gate "http" "tcp" -}}
{{- range $name, $check := $checks -}}
{{- if and (kindIs "string" $check.port) (not (hasKey $ports (toString $check.port))) -}}
{{- include "everything.refuse" (list (printf "gate.%s.%s.port" $kind $name) $check.port "must be a port named in target.ports" "declare it there, or use the port's number") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "everything.rules.replicas" -}}
{{- $most := int .Values.rbac.maxReplicas -}}
{{- if gt (int .Values.replicas) $most -}}
{{- include "everything.refuse" (list "replicas" .Values.replicas (printf "must be at most rbac.maxReplicas (%d), the number of ordinals named in the launchers' Role" $most) "raise rbac.maxReplicas, or lower it") -}}
{{- end -}}
{{- include "everything.rules.autoscaling" . -}}
{{- end }}

{{- define "everything.rules.autoscaling" -}}
{{- $most := int .Values.rbac.maxReplicas -}}
{{- $scaler := .Values.autoscaling -}}
{{- $keda := $scaler.keda -}}
{{- $windows := eq .Values.platform "windows" -}}
{{- if and $scaler.enabled $keda.enabled -}}
{{- include "everything.refuse" (list "autoscaling.keda.enabled" true "must be false with autoscaling.enabled: KEDA creates its own autoscaler, and two would fight" "enable one of them") -}}
{{- end -}}
{{- if or (ne .Values.anchor.strategy "ordinal") (not .Values.anchor.create) -}}
{{- range $key, $enabled := dict "autoscaling.enabled" $scaler.enabled "autoscaling.keda.enabled" $keda.enabled -}}
{{- if $enabled -}}
{{- include "everything.refuse" (list $key true "must be false unless the chart creates the anchors with anchor.strategy: ordinal: no others can follow" "leave it out, and scale with helm upgrade") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (or $scaler.enabled $keda.enabled) (not .Values.scaling.follow) -}}
{{- include "everything.refuse" (list "scaling.follow" false "must be true with an autoscaler: nothing else would scale the anchors" "leave it out") -}}
{{- end -}}
{{- if $scaler.enabled -}}
{{- $top := int $scaler.maxReplicas -}}
{{- if gt $top $most -}}
{{- include "everything.refuse" (list "autoscaling.maxReplicas" $top (printf "must be at most rbac.maxReplicas (%d), the number of ordinals named in the launchers' Role" $most) "raise rbac.maxReplicas, or lower it") -}}
{{- end -}}
{{- if gt (int $scaler.minReplicas) $top -}}
{{- include "everything.refuse" (list "autoscaling.minReplicas" $scaler.minReplicas (printf "is above autoscaling.maxReplicas (%d)" $top) "swap or correct them") -}}
{{- end -}}
{{- if and $windows (not $scaler.metrics) -}}
{{- include "everything.refuse" (list "autoscaling.metrics" list "must say what to scale on" "add a MetricSpec") -}}
{{- end -}}
{{- $atZero := false -}}
{{- range $scaler.metrics -}}
{{- $atZero = or $atZero (has (toString .type) (list "Object" "External")) -}}
{{- end -}}
{{- if not (or (int $scaler.minReplicas) $atZero) -}}
{{- include "everything.refuse" (list "autoscaling.minReplicas" 0 "needs a metric of type Object or External, because no pods means no pod metrics" "add one, or raise it") -}}
{{- end -}}
{{- range $number, $metric := $scaler.metrics -}}
{{- $source := untitle $metric.type -}}
{{- if not (index $metric $source) -}}
{{- include "everything.refuse" (list (printf "autoscaling.metrics.%d.%s" $number $source) nil (printf "must be set, because type %s reads it" $metric.type) "add it") -}}
{{- end -}}
{{- if and $windows (has (toString $metric.type) (list "Resource" "ContainerResource")) -}}
{{- include "everything.refuse" (list (printf "autoscaling.metrics.%d.type" $number) $metric.type "is never measured on Windows: metrics-server reports nothing for HostProcess pods" "use a Pods, Object or External metric") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $keda.enabled -}}
{{- $top := int $keda.maxReplicaCount -}}
{{- $least := int $keda.minReplicaCount -}}
{{- if gt $top $most -}}
{{- include "everything.refuse" (list "autoscaling.keda.maxReplicaCount" $top (printf "must be at most rbac.maxReplicas (%d), the number of ordinals named in the launchers' Role" $most) "raise rbac.maxReplicas, or lower it") -}}
{{- end -}}
{{- if gt $least $top -}}
{{- include "everything.refuse" (list "autoscaling.keda.minReplicaCount" $least (printf "is above autoscaling.keda.maxReplicaCount (%d)" $top) "swap or correct them") -}}
{{- end -}}
{{- if not (kindIs "invalid" $keda.idleReplicaCount) -}}
{{- if ge (int $keda.idleReplicaCount) $least -}}
{{- include "everything.refuse" (list "autoscaling.keda.idleReplicaCount" $keda.idleReplicaCount (printf "must be below autoscaling.keda.minReplicaCount (%d)" $least) "raise that one, or leave this one out") -}}
{{- end -}}
{{- end -}}
{{- if not $keda.triggers -}}
{{- include "everything.refuse" (list "autoscaling.keda.triggers" list "must say what to scale on" "add a trigger") -}}
{{- end -}}
{{- range $number, $trigger := $keda.triggers -}}
{{- if and $windows (has (toString $trigger.type) (list "cpu" "memory")) -}}
{{- include "everything.refuse" (list (printf "autoscaling.keda.triggers.%d.type" $number) $trigger.type "is never measured on Windows: metrics-server reports nothing for HostProcess pods" "use another trigger, such as prometheus") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Takes (dict "platform" "windows" "path" "target.env" "env" …). */}}
{{- define "everything.rules.env" -}}
{{- $path := .path -}}
{{- range $given, $_ := .env -}}
{{- $name := eq $.platform "windows" | ternary (upper $given) $given -}}
{{- if or (has $name (list "COMPARTMENT_ID_ATTACH" "POD_NAME" "POD_NAMESPACE" "POD_UID" "NODE_NAME")) (regexMatch `^(MOORING_|KUBERNETES_)` $name) -}}
{{- include "everything.refuse" (list (printf "%s.%s" $path $given) $given "is set by mooring or Kubernetes, as are COMPARTMENT_ID_ATTACH, POD_NAME, POD_NAMESPACE, POD_UID, NODE_NAME, MOORING_* and KUBERNETES_*" "choose another name") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The scheduler counts a pod only if it matches all required terms, so the half that follows the other cannot have a second one. */}}
{{- define "everything.rules.affinity" -}}
{{- $shared := eq .Values.anchor.strategy "shared" -}}
{{- $required := "requiredDuringSchedulingIgnoredDuringExecution" -}}
{{- range $half := list
  (list "anchor.affinity" .Values.anchor.affinity (and .Values.anchor.create (not $shared)))
  (list "affinity" .Values.affinity (or (not .Values.anchor.create) $shared (eq .Values.colocation "singleNode"))) -}}
{{- $pods := (index $half 1).podAffinity -}}
{{- if and (index $half 2) (kindIs "map" $pods) -}}
{{- with index $pods $required -}}
{{- include "everything.refuse" (list (printf "%s.podAffinity.%s" (index $half 0) $required) . "must be left out: mooring's own term pairs the halves, and Kubernetes requires one pod that matches all terms" "use preferred terms, nodeAffinity, podAntiAffinity or topologySpreadConstraints") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* How anchors that others created are found. */}}
{{- define "everything.rules.anchors" -}}
{{- $anchor := .Values.anchor -}}
{{- $shared := eq $anchor.strategy "shared" -}}
{{- if $anchor.create -}}
{{- range $key := list "selector" "namespace" -}}
{{- with index $anchor $key -}}
{{- include "everything.refuse" (list (printf "anchor.%s" $key) . "is only for anchors that others create" "set anchor.create: false as well") -}}
{{- end -}}
{{- end -}}
{{- else if not $anchor.selector -}}
{{- if $shared -}}
{{- include "everything.refuse" (list "anchor.create" false "needs anchor.selector, the labels of the anchors" "set it, e.g. app=my-anchor") -}}
{{- else -}}
{{- include "everything.refuse" (list "anchor.create" false "needs anchor.selector, the labels of the anchors" "set it, e.g. app=my-anchor-{ordinal}") -}}
{{- end -}}
{{- else -}}
{{- $label := `\A([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?=[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\z` -}}
{{- $placeholder := "{ordinal}" -}}
{{- $legal := true -}}
{{- $inKey := false -}}
{{- range splitList "," $anchor.selector -}}
{{- $legal = and $legal (regexMatch $label (replace $placeholder "0" .)) -}}
{{- $inKey = or $inKey (contains $placeholder (splitList "=" . | first)) -}}
{{- end -}}
{{- if not $legal -}}
{{- include "everything.refuse" (list "anchor.selector" $anchor.selector "must be key=value pairs separated by commas, each a legal label" "write it like app=my-anchor-{ordinal},tier=net") -}}
{{- else if $inKey -}}
{{- include "everything.refuse" (list "anchor.selector" $anchor.selector "may have {ordinal} only in values, not in a key" "move it behind the =") -}}
{{- else if and $shared (contains $placeholder $anchor.selector) -}}
{{- include "everything.refuse" (list "anchor.selector" $anchor.selector "must not have {ordinal} with anchor.strategy: shared, where all replicas share one anchor" "correct it, or anchor.strategy") -}}
{{- else if not (or $shared (contains $placeholder $anchor.selector)) -}}
{{- include "everything.refuse" (list "anchor.selector" $anchor.selector "must have {ordinal}, by which each replica finds its own anchor" "correct it, or anchor.strategy") -}}
{{- else if regexMatch `^(apps\.kubernetes\.io/pod\-index=[^,]*,?)+$` $anchor.selector -}}
{{- include "everything.refuse" (list "anchor.selector" $anchor.selector "must name more than apps.kubernetes.io/pod-index: the pods of every StatefulSet carry it, the launchers' too" "add a label that only the anchors have, e.g. app=my-anchor,apps.kubernetes.io/pod-index={ordinal}") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Replicas that share an anchor share its IP. */}}
{{- define "everything.rules.shared" -}}
{{- $shared := eq .Values.anchor.strategy "shared" -}}
{{- range $ordinal, $one := .Values.target.perOrdinal -}}
{{- range $name, $port := $one.ports -}}
{{- $path := printf "target.perOrdinal.%s.ports.%s" $ordinal $name -}}
{{- if not $shared -}}
{{- include "everything.refuse" (list $path $port "is only for anchor.strategy: shared; with any other, each replica has the port on its own IP" "leave it out") -}}
{{- else if not (hasKey $.Values.target.ports $name) -}}
{{- include "everything.refuse" (list $path $name "must be a port named in target.ports" "declare it there, or remove it here") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $shared -}}
{{- $first := int .Values.readiness.port -}}
{{- $last := add $first (int .Values.rbac.maxReplicas) -1 | int -}}
{{- if gt $last 65535 -}}
{{- include "everything.refuse" (list "readiness.port" $first (printf "is too high: rbac.maxReplicas replicas on one IP need the ports up to %d" $last) "lower one of the two") -}}
{{- end -}}
{{- $users := dict -}}
{{- $reported := dict -}}
{{- range $ordinal := include "everything.ordinals" . | fromJsonArray -}}
{{- $ordinal = int $ordinal -}}
{{- range $name, $port := include "everything.portsOf" (dict "root" $ "ordinal" $ordinal) | fromJson -}}
{{- $number := int $port.port -}}
{{- $key := printf "%d/%s" $number $port.protocol -}}
{{- $user := printf "%s of replica %d" $name $ordinal -}}
{{- if hasKey $reported $name -}}
{{- else if hasKey $users $key -}}
{{- $_ := set $reported $name true -}}
{{- include "everything.refuse" (list (printf "target.ports.%s" $name) $number (printf "is the port of %s and %s, which share one IP (%s)" (get $users $key) $user $port.protocol) (printf "give each replica its own by target.perOrdinal.<n>.ports.%s" $name)) -}}
{{- else -}}
{{- $_ := set $users $key $user -}}
{{- end -}}
{{- /* Where target.ports itself has readiness.port, the rule about that reports it. */}}
{{- if and (eq $port.protocol "TCP") (ge $number $first) (le $number $last) (ne $first (int (index $.Values.target.ports $name).port)) (not (hasKey $reported $name)) -}}
{{- $_ := set $reported $name true -}}
{{- include "everything.refuse" (list (printf "target.ports.%s" $name) $number (printf "is a readiness port: %d to %d are reserved, one for each of rbac.maxReplicas replicas on one IP" $first $last) "choose another port, or another readiness.port") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* What K2s' own launcher does not support: refused rather than dropped silently. */}}
{{- define "everything.rules.cplauncher" -}}
{{- if and (eq .Values.launcher.kind "cplauncher") (eq .Values.platform "windows") -}}
{{- range list
  (list "launcher.source" .Values.launcher.source "host")
  (list "target.workingDir" .Values.target.workingDir "")
  (list "target.env" .Values.target.env dict)
  (list "target.runAs" .Values.target.runAs "")
  (list "target.sha256" .Values.target.sha256 "")
  (list "target.signedBy" .Values.target.signedBy "")
  (list "target.perOrdinal" .Values.target.perOrdinal dict)
  (list "gate.http" .Values.gate.http dict)
  (list "gate.tcp" .Values.gate.tcp dict)
  (list "gate.exec" .Values.gate.exec dict)
  (list "gate.processes" .Values.gate.processes dict)
  (list "gate.cpu.maxPercent" .Values.gate.cpu.maxPercent nil)
  (list "gate.memory.minMiB" .Values.gate.memory.minMiB nil)
  (list "gate.memory.maxMiB" .Values.gate.memory.maxMiB nil)
  (list "gate.handles.min" .Values.gate.handles.min nil)
  (list "gate.handles.max" .Values.gate.handles.max nil)
  (list "gate.threads.min" .Values.gate.threads.min nil)
  (list "gate.threads.max" .Values.gate.threads.max nil)
  (list "stop.command" .Values.stop.command list)
  (list "mesh.linkerd.enabled" .Values.mesh.linkerd.enabled false)
-}}
{{- if ne (toJson (index . 1)) (toJson (index . 2)) -}}
{{- include "everything.refuse" (list (index . 0) (index . 1) "is not supported by cplauncher" (printf "leave it at %s, or use launcher.kind: mooring" (toJson (index . 2)))) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.scaling.follow .Values.anchor.create (eq .Values.anchor.strategy "ordinal") -}}
{{- include "everything.refuse" (list "scaling.follow" true "is not supported by cplauncher: nothing mirrors the number of launchers to the anchors" "set scaling.follow: false and scale both sets with helm upgrade") -}}
{{- end -}}
{{- range $number, $word := prepend .Values.target.args .Values.target.exe -}}
{{- if regexMatch `[&|^%<>"]` $word -}}
{{- include "everything.refuse" (list (eq $number 0 | ternary "target.exe" (printf "target.args.%d" (sub $number 1))) $word "must not contain & | ^ % < > or quotes: with cplauncher it goes through cmd /c, which interprets them" "move it into a file, or use launcher.kind: mooring") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* What a platform does not support: refused by name rather than dropped silently. */}}
{{- define "everything.rules.supported" -}}
{{- $wanted := list
  (list "launcher.kind" .Values.launcher.kind "mooring")
  (list "launcher.attach" .Values.launcher.attach "job")
  (list "target.runAs" .Values.target.runAs "")
  (list "target.signedBy" .Values.target.signedBy "")
-}}
{{- if eq .Values.platform "windows" -}}
{{- $wanted = list
  (list "hostAliases" .Values.hostAliases list)
-}}
{{- end -}}
{{- range $wanted -}}
{{- if ne (toJson (index . 1)) (toJson (index . 2)) -}}
{{- include "everything.refuse" (list (index . 0) (index . 1) (printf "is not supported on platform %s" $.Values.platform) (printf "leave it at %s" (toJson (index . 2)))) -}}
{{- end -}}
{{- end -}}
{{- end }}
