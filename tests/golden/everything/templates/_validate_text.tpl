{{- /*
Rules about the texts that reach the program: what YAML made of a path, and placeholders that nothing expands. The generator checks
the same for Apps (model/rules/text.py); a test holds the two against each other.
*/}}
{{- define "everything.rules.text" -}}
{{- range include "everything.texts" . | fromJsonArray -}}
{{- $pattern := eq .kind "path" | ternary `[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]` `(?:^|[^A-Za-z0-9])[A-Za-z]:([\x00-\x1f])[A-Za-z0-9_.]` -}}
{{- $multiline := and (eq .kind "variable") (contains "\n" .text) -}}
{{- if and (not (has .kind (list "request"))) (not $multiline) (regexMatch $pattern .text) -}}
{{- $letter := regexFind `[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]` (regexFind $pattern .text) -}}
{{- $name := get (dict
  "\u0000" "NUL (\\0)"
  "\u0007" "a bell character (\\a)"
  "\b" "a backspace (\\b)"
  "\t" "a tab (\\t)"
  "\n" "a line break (\\n)"
  "\u000b" "a vertical tab (\\v)"
  "\f" "a form feed (\\f)"
  "\r" "a carriage return (\\r)"
  "\u001b" "an escape character (\\e)") $letter | default "a control character" -}}
{{- include "everything.refuse" (list .path .text (printf "contains %s, which a backslash and a letter become in double quotes" $name) "write the path in single quotes, or double each backslash") -}}
{{- end -}}
{{- end -}}
{{- if ne .Values.target.placeholders "literal" -}}
{{- $names := list "ALLUSERSPROFILE" "APPDATA" "COMMONPROGRAMFILES" "COMPUTERNAME" "COMSPEC" "HOMEDRIVE" "HOMEPATH" "LOCALAPPDATA" "PATH" "PROGRAMDATA" "PROGRAMFILES" "PROGRAMFILES(X86)" "PROGRAMW6432" "PUBLIC" "SYSTEMDRIVE" "SYSTEMROOT" "TEMP" "TMP" "USERDOMAIN" "USERNAME" "USERPROFILE" "WINDIR" "POD_NAME" "POD_NAMESPACE" "POD_UID" "NODE_NAME" "HOSTNAME" "ORDINAL" "MOORING_ORDINAL" "MOORING_ANCHOR_IP" "COMPARTMENT_ID_ATTACH" -}}
{{- range $name, $_ := .Values.target.env -}}
{{- $names = append $names (upper $name) -}}
{{- end -}}
{{- if and (eq .Values.launcher.kind "cplauncher") (eq .Values.platform "windows") -}}
{{- $names = list -}}
{{- end -}}
{{- range include "everything.texts" . | fromJsonArray -}}
{{- /* A path that begins with a placeholder is not absolute, which another rule says. */}}
{{- $absolute := regexMatch (eq $.Values.platform "windows" | ternary `^(\\\\|[A-Za-z]:[\\/])` `^/`) .text -}}
{{- if and (not (hasPrefix "launcher." .path)) (or (ne .kind "path") $absolute) -}}
{{- $mark := include "everything.placeholder" (dict "text" .text "byShell" .byShell "names" $names) -}}
{{- if $mark -}}
{{- if and (hasPrefix "{" $mark) (not (hasPrefix "{{" $mark)) -}}
{{- include "everything.refuse" (list .path .text (printf "contains %s, which nothing expands: the program would get it literally" $mark) "write what differs by replica under target.perOrdinal, let the program read MOORING_ORDINAL and MOORING_ANCHOR_IP, or set target.placeholders: literal if you mean these characters") -}}
{{- else -}}
{{- include "everything.refuse" (list .path .text (printf "contains %s, which nothing expands: the program would get it literally" $mark) "write the value itself, let the program read its environment, or set target.placeholders: literal if you mean these characters") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The first placeholder in a text, or nothing. Takes (dict "text" … "byShell" false "names" (list "TEMP" …)); a shell expands its own. */}}
{{- define "everything.placeholder" -}}
{{- $marks := list
  (regexFind `\{\{-?\s*(?:\.(?:Release|Values|Chart|Capabilities|Files|Template)\b|include\s|tpl\s)[^}]*\}?\}?` .text)
  (regexFind `(?i)\{(?:ordinal|replica|ip|pod[-_.]?ip|pod[-_.]?name|namespace|release|node[-_.]?name)\}` .text) -}}
{{- if not .byShell -}}
{{- $marks = concat $marks (list (regexFind `\$\([A-Za-z_][-A-Za-z0-9_.]*\)` .text) (regexFind `(?i)\$\{?env:[A-Za-z_]\w*\}?` .text)) -}}
{{- range regexFindAll `(?i)%[A-Za-z_][A-Za-z0-9_]*(?:\(x86\))?%` .text -1 -}}
{{- if has (trimAll "%" . | upper) $.names -}}
{{- $marks = append $marks . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with without $marks "" -}}
{{- first . -}}
{{- end -}}
{{- end }}

{{- /* Every text that is a path, an argument, a variable or a request, as a JSON list of {path, kind, text, byShell}. */}}
{{- define "everything.texts" -}}
{{- $target := .Values.target -}}
{{- $texts := list
  (dict "path" "target.exe" "kind" "path" "text" $target.exe)
  (dict "path" "target.workingDir" "kind" "path" "text" $target.workingDir)
  (dict "path" "launcher.hostPath" "kind" "path" "text" .Values.launcher.hostPath)
  (dict "path" "launcher.python" "kind" "path" "text" .Values.launcher.python) -}}
{{- range $name, $mount := $target.mounts -}}
{{- range $key := list "hostPath" "mountPath" -}}
{{- $texts = append $texts (dict "path" (printf "target.mounts.%s.%s" $name $key) "kind" "path" "text" (index $mount $key)) -}}
{{- end -}}
{{- end -}}
{{- $lists := list (list "target.args" $target.args $target.exe) (list "stop.command" .Values.stop.command (first .Values.stop.command)) -}}
{{- range $ordinal, $one := $target.perOrdinal -}}
{{- $lists = append $lists (list (printf "target.perOrdinal.%s.args" $ordinal) $one.args $target.exe) -}}
{{- end -}}
{{- range $name, $check := .Values.gate.exec -}}
{{- $lists = append $lists (list (printf "gate.exec.%s.command" $name) $check.command (first $check.command)) -}}
{{- end -}}
{{- range $lists -}}
{{- $path := index . 0 -}}
{{- $byShell := regexMatch `(?i)(?:^|[\\/])(?:(?:cmd|powershell|pwsh|sh|bash|dash|ash|ksh|zsh|busybox)(?:\.exe)?|[^\\/]*\.(?:bat|cmd))$` (index . 2 | toString) -}}
{{- range $number, $word := index . 1 -}}
{{- $texts = append $texts (dict "path" (printf "%s.%d" $path $number) "kind" "word" "text" $word "byShell" $byShell) -}}
{{- end -}}
{{- end -}}
{{- range $name, $text := $target.env -}}
{{- $texts = append $texts (dict "path" (printf "target.env.%s" $name) "kind" "variable" "text" $text) -}}
{{- end -}}
{{- range $ordinal, $one := $target.perOrdinal -}}
{{- range $name, $text := $one.env -}}
{{- $texts = append $texts (dict "path" (printf "target.perOrdinal.%s.env.%s" $ordinal $name) "kind" "variable" "text" $text) -}}
{{- end -}}
{{- end -}}
{{- range $name, $check := .Values.gate.http -}}
{{- range $key := list "path" "host" -}}
{{- $texts = append $texts (dict "path" (printf "gate.http.%s.%s" $name $key) "kind" "request" "text" (index $check $key)) -}}
{{- end -}}
{{- range $header, $text := $check.headers -}}
{{- $texts = append $texts (dict "path" (printf "gate.http.%s.headers.%s" $name $header) "kind" "request" "text" $text) -}}
{{- end -}}
{{- end -}}
{{- $found := list -}}
{{- range $texts -}}
{{- if .text -}}
{{- $found = append $found (dict "path" .path "kind" .kind "text" (toString .text) "byShell" (default false .byShell)) -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- /* What is legal and most likely not what was meant, a sentence a line; the generator reports the same (model/rules/warnings.py). */}}
{{- define "everything.warnings" -}}
{{- if and .Values.mesh.linkerd.enabled (not .Values.anchor.serviceAccount.create) }}
anchor.serviceAccount.name ({{ include "everything.anchor.serviceAccountName" . }}) is the anchors' ServiceAccount and so their identity in the mesh, and the chart does not create it: every other pod that uses it has the same identity; leave out anchor.serviceAccount unless that is meant
{{- end -}}
{{- if eq .Values.platform "windows" -}}
{{- range include "everything.texts" . | fromJsonArray -}}
{{- if and (eq .kind "path") (not (hasSuffix ".mountPath" .path)) -}}
{{- if regexMatch `^\\\\[^\\/?.]` .text }}
{{ .path }} ({{ .text }}) is on a file server, which the launcher and kubelet reach only as the node's own account (SYSTEM), not as a user; give that account access to the share, or copy the files to the node
{{- else if regexMatch `^[F-Zf-z]:` .text }}
{{ .path }} ({{ .text }}) must be a disk of the node: a drive mapped for a user (net use) belongs to that user's logon session, and SYSTEM, which runs the launcher, does not see it
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
