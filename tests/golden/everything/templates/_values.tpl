{{- /*
Prepares .Values for every template: a value set to null, which Helm drops, means what the chart was generated with again;
then each value is held to its shape, and all of them to the rules between them. Every template starts with it, as Helm promises no order; the first one does the work.
Next to .Values, where no user can write, it records that this was done.
*/}}
{{- define "everything.prepare" -}}
{{- if not (hasKey . "_prepared") -}}
{{- $_ := set . "_prepared" true -}}
{{- $defaults := fromJson (include "everything.values.defaults" .) -}}
{{- include "everything.values.fill" (dict "values" .Values "defaults" $defaults "path" "") -}}
{{- $_ := set . "_misshapen" (include "everything.values.shapes" (dict "values" .Values "tree" $defaults "path" list)) -}}
{{- include "everything.validate" . -}}
{{- end -}}
{{- end }}

{{- /*
Closed objects are objects here; any other value is a list of two, so that a map whose keys users choose is taken whole: its default,
and its shape (is: its kind; in, like, from, to: its limits; keys, each, fields, needs, closed: what is in it).
*/}}
{{- define "everything.values.defaults" -}}
{"replicas":[5,{"is":"whole","from":0,"to":1000}],"platform":["windows",{"is":"text","in":["windows","linux"]}],"colocation":["perReplica",{"is":"text","in":["perReplica","singleNode"]}],"target":{"exe":["C:\\Program Files\\every thing\\every.exe",{"is":"text"}],"args":[["--name=a b","{\u007b \"x\" }}","%PATH%","it's","line\nbreak",""],{"is":"list","each":{"is":"text"}}],"workingDir":["",{"is":"text"}],"lifetime":["process",{"is":"text","in":["process","tree"]}],"env":[{"COLOUR":"yes","EMPTY":""},{"is":"map","keys":"^[A-Za-z_][A-Za-z0-9_.()-]*$","each":{"is":"text"}}],"placeholders":["literal",{"is":"text","in":["refuse","literal"]}],"ports":[{"http":{"port":8080,"servicePort":80},"admin":{"port":9090,"protocol":"TCP"}},{"is":"map","keys":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"port":{"is":"whole","from":1,"to":65535},"protocol":{"is":"text","in":["TCP","UDP"]},"servicePort":{"is":"whole","from":1,"to":65535},"nodePort":{"is":"whole","from":1,"to":65535},"appProtocol":{"is":"text","like":"^(([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}},"needs":["port"]}}],"mounts":[{"data":{"hostPath":"D:\\data","readOnly":false}},{"is":"map","keys":"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"hostPath":{"is":"text"},"mountPath":{"is":"text"},"readOnly":{"is":"truth"},"type":{"is":"text","in":["","Directory","DirectoryOrCreate","File","FileOrCreate"]}},"needs":["hostPath"]}}],"runAs":["",{"is":"text"}],"sha256":["",{"is":"text","like":"^([0-9a-fA-F]{64})?$"}],"signedBy":["",{"is":"text"}],"perOrdinal":[{"0":{"args":["--leader"]},"4":{"env":{"COLOUR":"blue"}}},{"is":"map","keys":"^(0|[1-9][0-9]{0,4})$","each":{"is":"map","closed":true,"fields":{"args":{"is":"list","each":{"is":"text"}},"env":{"is":"map","keys":"^[A-Za-z_][A-Za-z0-9_.()-]*$","each":{"is":"text"}},"ports":{"is":"map","keys":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$","each":{"is":"whole","from":1,"to":65535}}}}}]},"gate":{"startTimeoutSeconds":[300,{"is":"whole","from":1,"to":86400}],"periodSeconds":[1,{"is":"number","from":0.1,"to":300}],"successThreshold":[1,{"is":"whole","from":1,"to":1000}],"failureThreshold":[3,{"is":"whole","from":1,"to":1000}],"onUnhealthy":["unready",{"is":"text","in":["unready","restart"]}],"minUptimeSeconds":[0,{"is":"number","from":0,"to":86400}],"ports":[{"http":{"owner":"any"}},{"is":"map","keys":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"owner":{"is":"text","in":["tree","any"]}}}}],"cpu":{"maxPercent":[12.5,{"is":"number","from":0.1}],"settleSeconds":[3,{"is":"number","from":0.5,"to":3600}]},"memory":{"minMiB":[null,{"is":"whole","from":0}],"maxMiB":[2048,{"is":"whole","from":0}]},"handles":{"min":[null,{"is":"whole","from":0}],"max":[null,{"is":"whole","from":0}]},"threads":{"min":[null,{"is":"whole","from":0}],"max":[null,{"is":"whole","from":0}]},"processes":[{"worker":{"name":"worker.exe","min":2}},{"is":"map","keys":"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"name":{"is":"text"},"min":{"is":"whole","from":1,"to":10000}},"needs":["name"]}}],"http":[{"health":{"port":"http","path":"/health?deep=1","bodyMatches":"^\"ok\"$","headers":{"Accept":"application/json"}}},{"is":"map","keys":"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"port":{"is":"wholeOrText","like":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$","from":1,"to":65535},"scheme":{"is":"text","in":["http","https"]},"path":{"is":"text","like":"^/[^\\x00-\\x1f\\x7f-\\x9f]*$"},"host":{"is":"text"},"headers":{"is":"map","each":{"is":"text"}},"status":{"is":"list","each":{"is":"whole","from":100,"to":599}},"bodyMatches":{"is":"text"},"periodSeconds":{"is":"number","from":0.1},"timeoutSeconds":{"is":"number","from":0.1,"to":300},"successThreshold":{"is":"whole","from":1},"failureThreshold":{"is":"whole","from":1}},"needs":["port"]}}],"tcp":[{"admin":{"port":9090,"failureThreshold":5}},{"is":"map","keys":"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"port":{"is":"wholeOrText","like":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$","from":1,"to":65535},"periodSeconds":{"is":"number","from":0.1},"timeoutSeconds":{"is":"number","from":0.1,"to":300},"successThreshold":{"is":"whole","from":1},"failureThreshold":{"is":"whole","from":1}},"needs":["port"]}}],"exec":[{},{"is":"map","keys":"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"command":{"is":"list","each":{"is":"text"}},"periodSeconds":{"is":"number","from":0.1},"timeoutSeconds":{"is":"number","from":0.1,"to":300},"successThreshold":{"is":"whole","from":1},"failureThreshold":{"is":"whole","from":1}},"needs":["command"]}}]},"stop":{"drainSeconds":[45,{"is":"whole","from":0,"to":86400}],"command":[["C:\\tools\\stop.exe","--now"],{"is":"list","each":{"is":"text"}}],"commandSeconds":[30,{"is":"whole","from":0,"to":86400}],"consoleEvent":["ctrlC",{"is":"text","in":["ctrlC","ctrlBreak","none"]}],"consoleSeconds":[30,{"is":"whole","from":0,"to":86400}],"windowSeconds":[10,{"is":"whole","from":0,"to":86400}]},"readiness":{"port":[8091,{"is":"whole","from":1,"to":65535}],"periodSeconds":[5,{"is":"whole","from":1,"to":3600}],"failureThreshold":[3,{"is":"whole","from":1,"to":100}]},"launcher":{"hostPath":["",{"is":"text"}],"python":["",{"is":"text"}],"source":["host",{"is":"text","in":["host","configMap"]}],"image":{"registry":["",{"is":"text","like":"^([A-Za-z0-9][A-Za-z0-9._:/-]*)?$"}],"repository":["",{"is":"text","like":"^([a-z0-9][a-z0-9._/-]*)?$"}],"tag":["",{"is":"text","like":"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"}],"digest":["",{"is":"text","like":"^(sha256:[0-9a-f]{64})?$"}],"pullPolicy":["IfNotPresent",{"is":"text","in":["Always","IfNotPresent","Never"]}]},"kind":["mooring",{"is":"text","in":["mooring","cplauncher"]}],"attach":["job",{"is":"text","in":["job","env"]}],"resources":[{},{"is":"map","fields":{"requests":{"is":"map"},"limits":{"is":"map"}}}],"podAnnotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}],"podLabels":[{},{"is":"map","keys":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text","like":"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}}]},"anchor":{"strategy":["ordinal",{"is":"text","in":["ordinal","static","shared"]}],"create":[true,{"is":"truth"}],"selector":["",{"is":"text"}],"namespace":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"waitSeconds":[300,{"is":"whole","from":10,"to":86400}],"unschedulableSeconds":[60,{"is":"whole","from":5,"to":86400}],"image":{"registry":["registry.k8s.io",{"is":"text","like":"^([A-Za-z0-9][A-Za-z0-9._:/-]*)?$"}],"repository":["pause",{"is":"text","like":"^([a-z0-9][a-z0-9._/-]*)?$"}],"tag":["3.10.1",{"is":"text","like":"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"}],"digest":["",{"is":"text","like":"^(sha256:[0-9a-f]{64})?$"}],"pullPolicy":["IfNotPresent",{"is":"text","in":["Always","IfNotPresent","Never"]}]},"podAnnotations":[{"linkerd.io/inject":"enabled"},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}],"podLabels":[{},{"is":"map","keys":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text","like":"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}}],"resources":[{"limits":{"memory":"64Mi"}},{"is":"map","fields":{"requests":{"is":"map"},"limits":{"is":"map"}}}],"serviceAccount":{"create":[true,{"is":"truth"}],"name":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"annotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}]},"updateStrategy":{"type":["RollingUpdate",{"is":"text","in":["RollingUpdate","OnDelete"]}],"partition":[0,{"is":"whole","from":0,"to":2147483647}],"maxUnavailable":[null,{"is":"wholeOrText","like":"^(100|[1-9][0-9]?)%$","from":1,"to":2147483647}]},"minReadySeconds":[0,{"is":"whole","from":0,"to":2147483647}],"revisionHistoryLimit":[10,{"is":"whole","from":0,"to":2147483647}],"affinity":[{},{"is":"map","fields":{"nodeAffinity":{"is":"map"},"podAffinity":{"is":"map"},"podAntiAffinity":{"is":"map"}}}],"terminationGracePeriodSeconds":[null,{"is":"whole","from":1,"to":2147483647}],"securityContext":[{},{"is":"map"}],"extraContainers":[[],{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},"image":{"is":"text","like":"^[!-~]+$"},"imagePullPolicy":{"is":"text","in":["Always","IfNotPresent","Never"]},"env":{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[ -<>-~]+$"},"value":{"is":"text"},"valueFrom":{"is":"map"}},"needs":["name"]}},"envFrom":{"is":"list","each":{"is":"map","fields":{"prefix":{"is":"text"},"configMapRef":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}},"needs":["name"]},"secretRef":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}},"needs":["name"]}}}},"ports":{"is":"list","each":{"is":"map","fields":{"containerPort":{"is":"whole","from":1,"to":65535},"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$"},"protocol":{"is":"text","in":["TCP","UDP","SCTP"]}},"needs":["containerPort"]}},"volumeMounts":{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},"mountPath":{"is":"text","like":"^[^\\r\\n]+$"},"subPath":{"is":"text"},"readOnly":{"is":"truth"},"mountPropagation":{"is":"text","in":["None","HostToContainer","Bidirectional"]}},"needs":["name","mountPath"]}},"resources":{"is":"map","fields":{"requests":{"is":"map"},"limits":{"is":"map"}}},"securityContext":{"is":"map"}},"needs":["name","image"]}}]},"ordinals":{"start":[0,{"is":"whole","from":0,"to":9999}]},"scaling":{"follow":[true,{"is":"truth"}]},"service":{"enabled":[true,{"is":"truth"}],"type":["ClusterIP",{"is":"text","in":["ClusterIP","NodePort","LoadBalancer"]}],"annotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}],"spec":[{},{"is":"map","fields":{"clusterIP":{"is":"text"},"loadBalancerIP":{"is":"text"},"loadBalancerClass":{"is":"text"},"sessionAffinity":{"is":"text","in":["None","ClientIP"]},"externalTrafficPolicy":{"is":"text","in":["Cluster","Local"]},"internalTrafficPolicy":{"is":"text","in":["Cluster","Local"]},"ipFamilyPolicy":{"is":"text","in":["SingleStack","PreferDualStack","RequireDualStack"]}}}],"labels":[{},{"is":"map","keys":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text","like":"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}}],"replica":{"enabled":[true,{"is":"truth"}],"type":["ClusterIP",{"is":"text","in":["ClusterIP","NodePort","LoadBalancer"]}],"annotations":[{"one":"each"},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}],"spec":[{},{"is":"map","fields":{"clusterIP":{"is":"text"},"loadBalancerIP":{"is":"text"},"loadBalancerClass":{"is":"text"},"sessionAffinity":{"is":"text","in":["None","ClientIP"]},"externalTrafficPolicy":{"is":"text","in":["Cluster","Local"]},"internalTrafficPolicy":{"is":"text","in":["Cluster","Local"]},"ipFamilyPolicy":{"is":"text","in":["SingleStack","PreferDualStack","RequireDualStack"]}}}]},"perReplica":[false,{"is":"truth"}],"headless":{"publishNotReadyAddresses":[false,{"is":"truth"}]}},"routes":[{"web":{"kind":"HTTPRoute","port":"http","parentRefs":[{"name":"public"}],"spec":{"hostnames":["every.example.org"]}},"old":{"kind":"Ingress","port":"admin","spec":{"ingressClassName":"nginx"}}},{"is":"map","keys":"^[a-z][a-z0-9]{0,14}$","each":{"is":"map","closed":true,"fields":{"kind":{"is":"text","in":["HTTPRoute","GRPCRoute","TCPRoute","Ingress"]},"port":{"is":"text"},"parentRefs":{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[^\\r\\n]+$"}},"needs":["name"]}},"weight":{"is":"whole","from":0,"to":1000000},"backendRefs":{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},"port":{"is":"whole","from":1,"to":65535},"weight":{"is":"whole","from":0,"to":1000000}},"needs":["name","port"]}},"annotations":{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}},"spec":{"is":"map","fields":{"rules":{"is":"list","each":{"is":"map","fields":{"filters":{"is":"list","each":{"is":"map","fields":{"type":{"is":"text"}},"needs":["type"]}},"http":{"is":"map","fields":{"paths":{"is":"list","each":{"is":"map"}}}}}}}}}},"needs":["kind","port"]}}],"networkPolicy":{"enabled":[true,{"is":"truth"}],"from":[{"http":[{"podSelector":{}}]},{"is":"map","keys":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$","each":{"is":"list","each":{"is":"map","fields":{"podSelector":{"is":"map"},"namespaceSelector":{"is":"map"},"ipBlock":{"is":"map"}}}}}],"metricsFrom":[[{"namespaceSelector":{}}],{"is":"list","each":{"is":"map","fields":{"podSelector":{"is":"map"},"namespaceSelector":{"is":"map"},"ipBlock":{"is":"map"}}}}],"egress":[[],{"is":"list","each":{"is":"map","fields":{"to":{"is":"list","each":{"is":"map","fields":{"podSelector":{"is":"map"},"namespaceSelector":{"is":"map"},"ipBlock":{"is":"map"}}}}}}}]},"mesh":{"linkerd":{"enabled":[false,{"is":"truth"}],"allow":{"identities":[[],{"is":"list","each":{"is":"text","like":"^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}}],"networks":[[],{"is":"list","each":{"is":"text","like":"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}/(3[0-2]|[12]?[0-9])|([0-9a-f]{0,4}:){1,7}[0-9a-f]{0,4}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"}}]},"metricsFrom":{"identities":[[],{"is":"list","each":{"is":"text","like":"^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}}],"networks":[[],{"is":"list","each":{"is":"text","like":"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}/(3[0-2]|[12]?[0-9])|([0-9a-f]{0,4}:){1,7}[0-9a-f]{0,4}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"}}]},"nodeNetworks":[[],{"is":"list","each":{"is":"text","like":"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}/(3[0-2]|[12]?[0-9])|([0-9a-f]{0,4}:){1,7}[0-9a-f]{0,4}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"}}],"opaquePorts":[[],{"is":"list","each":{"is":"text","like":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$"}}],"httpRoutes":[{},{"is":"map","keys":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$","each":{"is":"map","closed":true,"fields":{"port":{"is":"text","like":"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$"},"matches":{"is":"list","each":{"is":"map","fields":{"path":{"is":"map"},"method":{"is":"text","like":"^[^\\r\\n]+$"}}}},"identities":{"is":"list","each":{"is":"text","like":"^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}},"networks":{"is":"list","each":{"is":"text","like":"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}/(3[0-2]|[12]?[0-9])|([0-9a-f]{0,4}:){1,7}[0-9a-f]{0,4}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"}}},"needs":["port"]}}],"apiVersion":["",{"is":"text","in":["","v1beta3","v1beta2","v1beta1"]}]}},"serviceAccount":{"create":[true,{"is":"truth"}],"name":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"annotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}]},"rbac":{"create":[true,{"is":"truth"}],"maxReplicas":[32,{"is":"whole","from":1,"to":1000}]},"podDisruptionBudget":{"enabled":[true,{"is":"truth"}],"maxUnavailable":[1,{"is":"wholeOrText","like":"^(100|[0-9]{1,2})%$","from":0,"to":2147483647}],"unhealthyPodEvictionPolicy":["AlwaysAllow",{"is":"text","in":["AlwaysAllow","IfHealthyBudget"]}]},"autoscaling":{"enabled":[false,{"is":"truth"}],"minReplicas":[1,{"is":"whole","from":0,"to":1000}],"maxReplicas":[10,{"is":"whole","from":1,"to":1000}],"metrics":[[],{"is":"list","each":{"is":"map","fields":{"type":{"is":"text","in":["Pods","Object","External","Resource","ContainerResource"]}},"needs":["type"]}}],"behavior":[{},{"is":"map"}],"keda":{"enabled":[false,{"is":"truth"}],"annotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}],"minReplicaCount":[1,{"is":"whole","from":0,"to":1000}],"maxReplicaCount":[10,{"is":"whole","from":1,"to":1000}],"idleReplicaCount":[null,{"is":"whole","from":0,"to":0}],"pollingInterval":[null,{"is":"whole","from":1,"to":2147483647}],"cooldownPeriod":[null,{"is":"whole","from":0,"to":2147483647}],"initialCooldownPeriod":[null,{"is":"whole","from":0,"to":2147483647}],"triggers":[[],{"is":"list","each":{"is":"map","fields":{"type":{"is":"text","like":"^[^\\r\\n]+$"},"metadata":{"is":"map","each":{"is":"text"}}},"needs":["type","metadata"]}}],"advanced":[{},{"is":"map"}],"fallback":[{},{"is":"map","fields":{"failureThreshold":{"is":"whole","from":0,"to":2147483647},"replicas":{"is":"whole","from":0,"to":2147483647}}}]}},"tests":{"enabled":[true,{"is":"truth"}],"timeoutSeconds":[60,{"is":"whole","from":0,"to":3600}],"image":{"registry":["",{"is":"text","like":"^([A-Za-z0-9][A-Za-z0-9._:/-]*)?$"}],"repository":["",{"is":"text","like":"^([a-z0-9][a-z0-9._/-]*)?$"}],"tag":["",{"is":"text","like":"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"}],"digest":["",{"is":"text","like":"^(sha256:[0-9a-f]{64})?$"}],"pullPolicy":["",{"is":"text","in":["","Always","IfNotPresent","Never"]}]},"resources":[{},{"is":"map","fields":{"requests":{"is":"map"},"limits":{"is":"map"}}}],"podAnnotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}]},"imagePullSecrets":[[],{"is":"list","each":{"is":"text","like":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}}],"nodeSelector":[{"disk":"fast"},{"is":"map","keys":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text","like":"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}}],"tolerations":[[{"key":"os","operator":"Equal","value":"windows","effect":"NoSchedule"}],{"is":"list","each":{"is":"map","fields":{"key":{"is":"text","like":"^(([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"},"operator":{"is":"text","in":["Exists","Equal"]},"value":{"is":"text","like":"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"},"effect":{"is":"text","in":["","NoSchedule","PreferNoSchedule","NoExecute"]},"tolerationSeconds":{"is":"whole"}}}}],"priorityClassName":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"topologySpreadConstraints":[[],{"is":"list","each":{"is":"map","fields":{"maxSkew":{"is":"whole","from":1,"to":2147483647},"topologyKey":{"is":"text","like":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"},"whenUnsatisfiable":{"is":"text","in":["DoNotSchedule","ScheduleAnyway"]},"labelSelector":{"is":"map"}},"needs":["maxSkew","topologyKey","whenUnsatisfiable"]}}],"updateStrategy":{"type":["RollingUpdate",{"is":"text","in":["RollingUpdate","OnDelete"]}],"partition":[0,{"is":"whole","from":0,"to":2147483647}],"maxUnavailable":[null,{"is":"wholeOrText","like":"^(100|[1-9][0-9]?)%$","from":1,"to":2147483647}]},"minReadySeconds":[0,{"is":"whole","from":0,"to":2147483647}],"revisionHistoryLimit":[10,{"is":"whole","from":0,"to":2147483647}],"affinity":[{},{"is":"map","fields":{"nodeAffinity":{"is":"map"},"podAffinity":{"is":"map"},"podAntiAffinity":{"is":"map"}}}],"terminationGracePeriodSeconds":[null,{"is":"whole","from":1,"to":2147483647}],"podManagementPolicy":["Parallel",{"is":"text","in":["Parallel","OrderedReady"]}],"persistentVolumeClaimRetentionPolicy":[{},{"is":"map","fields":{"whenScaled":{"is":"text","in":["Retain","Delete"]},"whenDeleted":{"is":"text","in":["Retain","Delete"]}}}],"volumeClaimTemplates":[[],{"is":"list","each":{"is":"map","fields":{"metadata":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}},"needs":["name"]},"spec":{"is":"map","fields":{"accessModes":{"is":"list","each":{"is":"text","in":["ReadWriteOnce","ReadOnlyMany","ReadWriteMany","ReadWriteOncePod"]}},"resources":{"is":"map","fields":{"requests":{"is":"map"}},"needs":["requests"]}},"needs":["accessModes","resources"]}},"needs":["metadata","spec"]}}],"probes":{"startup":[{},{"is":"map","fields":{"exec":{"is":"map"},"httpGet":{"is":"map"},"tcpSocket":{"is":"map"},"grpc":{"is":"map"},"periodSeconds":{"is":"whole","from":1,"to":2147483647},"timeoutSeconds":{"is":"whole","from":1,"to":2147483647},"failureThreshold":{"is":"whole","from":1,"to":2147483647},"initialDelaySeconds":{"is":"whole","from":0,"to":2147483647},"successThreshold":{"is":"whole","from":1,"to":1}}}],"readiness":[{},{"is":"map","fields":{"exec":{"is":"map"},"httpGet":{"is":"map"},"tcpSocket":{"is":"map"},"grpc":{"is":"map"},"periodSeconds":{"is":"whole","from":1,"to":2147483647},"timeoutSeconds":{"is":"whole","from":1,"to":2147483647},"failureThreshold":{"is":"whole","from":1,"to":2147483647},"initialDelaySeconds":{"is":"whole","from":0,"to":2147483647},"successThreshold":{"is":"whole","from":1,"to":2147483647}}}],"liveness":[{},{"is":"map","fields":{"exec":{"is":"map"},"httpGet":{"is":"map"},"tcpSocket":{"is":"map"},"grpc":{"is":"map"},"periodSeconds":{"is":"whole","from":1,"to":2147483647},"timeoutSeconds":{"is":"whole","from":1,"to":2147483647},"failureThreshold":{"is":"whole","from":1,"to":2147483647},"initialDelaySeconds":{"is":"whole","from":0,"to":2147483647},"successThreshold":{"is":"whole","from":1,"to":1}}}]},"lifecycle":[{},{"is":"map","fields":{"postStart":{"is":"map"},"preStop":{"is":"map"}}}],"hostAliases":[[],{"is":"list","each":{"is":"map","fields":{"ip":{"is":"text","like":"^[^\\r\\n]+$"},"hostnames":{"is":"list","each":{"is":"text","like":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}}},"needs":["ip"]}}],"extraEnv":[[],{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[ -<>-~]+$"},"value":{"is":"text"},"valueFrom":{"is":"map"}},"needs":["name"]}}],"envFrom":[[],{"is":"list","each":{"is":"map","fields":{"prefix":{"is":"text"},"configMapRef":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}},"needs":["name"]},"secretRef":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}},"needs":["name"]}}}}],"extraVolumes":[[],{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}},"needs":["name"]}}],"extraVolumeMounts":[[],{"is":"list","each":{"is":"map","fields":{"name":{"is":"text","like":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},"mountPath":{"is":"text","like":"^[^\\r\\n]+$"},"subPath":{"is":"text"},"readOnly":{"is":"truth"},"mountPropagation":{"is":"text","in":["None","HostToContainer","Bidirectional"]}},"needs":["name","mountPath"]}}],"nameOverride":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"fullnameOverride":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"namespaceOverride":["",{"is":"text","like":"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}],"commonLabels":[{},{"is":"map","keys":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text","like":"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}}],"commonAnnotations":[{},{"is":"map","keys":"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$","each":{"is":"text"}}],"extraObjects":[[],{"is":"list","each":{"is":"map","fields":{"apiVersion":{"is":"text","like":"^[^\\r\\n]+$"},"kind":{"is":"text","like":"^[^\\r\\n]+$"}},"needs":["apiVersion","kind"]}}],"enabled":[true,{"is":"truth"}],"global":[{},{"is":"map"}]}
{{- end }}

{{- define "everything.values.fill" -}}
{{- $values := .values -}}
{{- $parent := .path -}}
{{- range $key, $default := .defaults -}}
{{- $path := printf "%s%s" $parent $key -}}
{{- if kindIs "slice" $default -}}
{{- if kindIs "invalid" (index $values $key) -}}
{{- $_ := set $values $key (first $default) -}}
{{- else if kindIs "map" (index $values $key) -}}
{{- include "everything.values.dropNulls" (index $values $key) -}}
{{- end -}}
{{- else -}}
{{- if kindIs "invalid" (index $values $key) -}}
{{- $_ := set $values $key dict -}}
{{- end -}}
{{- if not (kindIs "map" (index $values $key)) -}}
{{- fail (printf "%s: must be an object, found %s" $path (toJson (index $values $key))) -}}
{{- end -}}
{{- include "everything.values.fill" (dict "values" (index $values $key) "defaults" $default "path" (printf "%s." $path)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* An entry set to null is removed: Helm itself does so only where the chart had it. */}}
{{- define "everything.values.dropNulls" -}}
{{- $map := . -}}
{{- range $key, $value := $map -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $map $key -}}
{{- else if kindIs "map" $value -}}
{{- include "everything.values.dropNulls" $value -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /*
What breaks values.schema.json, a line each: Helm's own check is off with --skip-schema-validation, and a text in place of an enum would
be new YAML. Takes (dict "values" … "tree" … "path" list).
*/}}
{{- define "everything.values.shapes" -}}
{{- $scope := . -}}
{{- range $key, $value := .values -}}
{{- $path := append $scope.path $key -}}
{{- if not (hasKey $scope.tree $key) -}}
{{- include "everything.refuse" (list (include "everything.key" $path) $value "is not a value of this chart" "correct its name, or remove it") -}}
{{- else if kindIs "map" (index $scope.tree $key) -}}
{{- include "everything.values.shapes" (dict "values" $value "tree" (index $scope.tree $key) "path" $path) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- include "everything.values.shape" (dict "at" $value "shape" (index $scope.tree $key | last) "path" $path) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Takes (dict "at" value "shape" shape "path" [keys]). */}}
{{- define "everything.values.shape" -}}
{{- $scope := . -}}
{{- $at := .at -}}
{{- $shape := .shape -}}
{{- $is := $shape.is -}}
{{- $isText := kindIs "string" $at -}}
{{- $isNumber := has (kindOf $at) (list "int" "int64" "float64") -}}
{{- $isWhole := and $isNumber (eq (float64 $at) (floor $at)) -}}
{{- $fits := true -}}
{{- if eq $is "text" -}}
{{- $fits = $isText -}}
{{- else if eq $is "whole" -}}
{{- $fits = $isWhole -}}
{{- else if eq $is "number" -}}
{{- $fits = $isNumber -}}
{{- else if eq $is "wholeOrText" -}}
{{- $fits = or $isText $isWhole -}}
{{- else if eq $is "truth" -}}
{{- $fits = kindIs "bool" $at -}}
{{- else if eq $is "map" -}}
{{- $fits = kindIs "map" $at -}}
{{- else if eq $is "list" -}}
{{- $fits = kindIs "slice" $at -}}
{{- end -}}
{{- $must := "" -}}
{{- if not $fits -}}
{{- $words := dict
  "text" "text"
  "whole" "a whole number"
  "number" "a number"
  "truth" "true or false"
  "wholeOrText" "a whole number or text"
  "map" "a map"
  "list" "a list"
-}}
{{- $must = printf "be %s" (get $words $is) -}}
{{- else if $isText -}}
{{- if contains "\u0085" $at -}}
{{- include "everything.refuse" (list (include "everything.key" .path) $at "must not contain U+0085, which YAML turns into a space" "correct it") -}}
{{- else if and (hasKey $shape "in") (not (has $at $shape.in)) -}}
{{- $must = printf "be one of %s" (join ", " $shape.in) -}}
{{- else if and (hasKey $shape "like") (not (regexMatch $shape.like $at)) -}}
{{- $must = printf "match %s" $shape.like -}}
{{- end -}}
{{- else if $isNumber -}}
{{- if and (hasKey $shape "from") (lt (float64 $at) (float64 $shape.from)) -}}
{{- $must = printf "be at least %s" (toJson $shape.from) -}}
{{- else if and (hasKey $shape "to") (gt (float64 $at) (float64 $shape.to)) -}}
{{- $must = printf "be at most %s" (toJson $shape.to) -}}
{{- end -}}
{{- else if kindIs "slice" $at -}}
{{- range $number, $item := $at -}}
{{- include "everything.values.shape" (dict "at" $item "shape" ($shape.each | default $shape) "path" (append $scope.path (toString $number))) -}}
{{- end -}}
{{- else if kindIs "map" $at -}}
{{- include "everything.values.members" . -}}
{{- end -}}
{{- if $must -}}
{{- include "everything.refuse" (list (include "everything.key" .path) $at (printf "must %s" $must) "correct it") -}}
{{- end -}}
{{- end }}

{{- /* Takes the same, where "at" is a map. What is null is absent. */}}
{{- define "everything.values.members" -}}
{{- $scope := . -}}
{{- $shape := .shape -}}
{{- range $key, $item := .at -}}
{{- $path := append $scope.path $key -}}
{{- $each := index ($shape.fields | default dict) $key | default $shape.each | default (dict "is" "any") -}}
{{- if and (hasKey $shape "keys") (not (regexMatch $shape.keys $key)) -}}
{{- include "everything.refuse" (list (include "everything.key" $path) $item (printf "has a key that must match %s" $shape.keys) "rename it") -}}
{{- else if and $shape.closed (eq $each.is "any") -}}
{{- include "everything.refuse" (list (include "everything.key" $path) $item "is not a value of this chart" "correct its name, or remove it") -}}
{{- else if contains "\u0085" $key -}}
{{- include "everything.refuse" (list (include "everything.key" $path) $item "must not contain U+0085, which YAML turns into a space" "correct it") -}}
{{- else if not (kindIs "invalid" $item) -}}
{{- include "everything.values.shape" (dict "at" $item "shape" $each "path" $path) -}}
{{- end -}}
{{- end -}}
{{- range $shape.needs -}}
{{- if kindIs "invalid" (index $scope.at .) -}}
{{- include "everything.refuse" (list (include "everything.key" (append $scope.path .)) nil "must be given" "add it") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* A key path as people write it. Takes its parts. */}}
{{- define "everything.key" -}}
{{- $key := "" -}}
{{- range . -}}
{{- if regexMatch `\A[A-Za-z0-9_/<>-]+\z` . -}}
{{- $key = printf "%s%s%s" $key ($key | empty | ternary "" ".") . -}}
{{- else -}}
{{- $key = printf "%s[%s]" $key (toJson .) -}}
{{- end -}}
{{- end -}}
{{- $key -}}
{{- end }}
