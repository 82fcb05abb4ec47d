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
{{- if .Values.nodeLabels.enabled }}
serviceAccountName: wherry-node
{{- end }}
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

{{/* Who sets the labels of nodes. */}}
{{- define "wherry.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: wherry-node
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "wherry.labels" .root | nindent 4 }}
  {{- .annotations }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: wherry-node
  labels: {{- include "wherry.labels" .root | nindent 4 }}
  {{- .annotations }}
rules:
  - apiGroups: [""]
    resources: [nodes]
    verbs: [patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: wherry-node
  labels: {{- include "wherry.labels" .root | nindent 4 }}
  {{- .annotations }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: wherry-node
subjects:
  - kind: ServiceAccount
    name: wherry-node
    namespace: {{ .root.Release.Namespace }}
{{- end }}

{{/* The program that sets labels: it has the token and nothing else, the installer everything but that. */}}
{{- define "wherry.labelContainer" -}}
image: {{ include "wherry.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [/wherry-label]
env:
  - name: NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
securityContext:
  runAsUser: 65532
  runAsGroup: 65532
  runAsNonRoot: true
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
resources:
  requests:
    cpu: 1m
    memory: 8Mi
  limits:
    memory: 32Mi
{{- end }}

{{- define "wherry.tokenVolume" -}}
- name: token
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
{{- end }}

{{- define "wherry.tokenMount" -}}
- name: token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}
