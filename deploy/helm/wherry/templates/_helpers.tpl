{{- define "wherry.labels" -}}
app.kubernetes.io/name: wherry
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "wherry.selector" -}}
app.kubernetes.io/name: wherry
app.kubernetes.io/component: node
{{- end }}

{{- define "wherry.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The options that install, status and uninstall share. Process 1's root is the node's file system. */}}
{{- define "wherry.options" -}}
- --host-root=/proc/1/root
- --bin-dir={{ .Values.install.binDir }}
- --handler={{ .Values.install.handler }}
- --timeout={{ .Values.install.timeout }}
{{- with .Values.install.distribution }}
- --distribution={{ . }}
{{- end }}
{{- with .Values.install.config }}
- --config={{ . }}
{{- end }}
{{- with .Values.install.socket }}
- --socket={{ . }}
{{- end }}
{{- with .Values.install.restartCommand }}
- {{ printf "--restart-command=%s" . | quote }}
{{- end }}
{{- if not .Values.install.restart }}
- --no-restart
{{- end }}
{{- if not .Values.install.trial }}
- --no-check
{{- end }}
{{- end }}

{{/* What a container needs to change its node: see docs/install.md. */}}
{{- define "wherry.securityContext" -}}
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  # the node's mount namespace (SYS_ADMIN, SYS_CHROOT), seen through /proc/1 (SYS_PTRACE); files of root's
  # (CHOWN, FOWNER, DAC_OVERRIDE) and the restart command's signals (KILL)
  add: [SYS_ADMIN, SYS_CHROOT, SYS_PTRACE, CHOWN, FOWNER, DAC_OVERRIDE, KILL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "wherry.pod" -}}
hostPID: true
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "wherry.uninstallArgs" -}}
- uninstall
{{ include "wherry.options" . }}
{{- if .Values.uninstall.force }}
- --force
{{- end }}
{{- end }}
