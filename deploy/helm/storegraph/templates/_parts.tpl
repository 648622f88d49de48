{{- define "storegraph.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "storegraph.labels" -}}
app.kubernetes.io/name: storegraph
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "storegraph.metadata" -}}
name: {{ .root.Release.Name }}-{{ .component }}
labels:
  {{- include "storegraph.labels" . | nindent 2 }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- /* What every pod is: without rights, on a read-only root, with the settings of all. */ -}}
{{- define "storegraph.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .grace }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
volumes:
  - { name: data, emptyDir: {} }
  - { name: tmp, emptyDir: {} }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "storegraph.labels" . | nindent 8 }}
{{- end -}}

{{- define "storegraph.container" -}}
image: {{ include "storegraph.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: {{ .args | toJson }}
envFrom:
  - configMapRef: { name: {{ .root.Release.Name }}-settings }
  - secretRef: { name: {{ .root.Values.secret.name }} }
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: data, mountPath: /data }
  - { name: tmp, mountPath: /tmp }
{{- with .resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Probes of what answers /health on port 4000. */ -}}
{{- define "storegraph.probes" -}}
ports: [{ name: http, containerPort: 4000 }]
startupProbe: { httpGet: { path: /health, port: http }, periodSeconds: 2, failureThreshold: 60 }
livenessProbe: { httpGet: { path: {{ .live }}, port: http }, periodSeconds: 10, failureThreshold: 6 }
readinessProbe: { httpGet: { path: {{ .ready }}, port: http }, periodSeconds: 2, failureThreshold: 2 }
{{- end -}}

{{- define "storegraph.scaling" -}}
{{- if .autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "storegraph.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ .root.Release.Name }}-{{ .component }} }
  minReplicas: {{ .autoscaling.min }}
  maxReplicas: {{ .autoscaling.max }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ .autoscaling.cpu }} } }
{{- end }}
{{- if .root.Values.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "storegraph.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "storegraph.labels" . | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "storegraph.service" -}}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "storegraph.metadata" . | nindent 2 }}
spec:
  selector:
    {{- include "storegraph.labels" . | nindent 4 }}
  ports: [{ name: http, port: 4000, targetPort: http }]
{{- end -}}
