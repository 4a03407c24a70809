/** What the platform around the models writes: Kubernetes' audit log, and the generic trail of registry and repositories. */
import type { Person } from './cast.ts'
import type { Random } from './random.ts'

const micro = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`

export interface KubeCall {
  readonly atMs: number
  readonly user: string
  readonly groups: readonly string[]
  readonly ip: string
  readonly agent: string
  readonly verb: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly subresource?: string
}

export function kubeRecord(call: KubeCall, random: Random): Record<string, unknown> {
  const group = call.resource === 'deployments' ? 'apps/v1' : 'v1'
  const path = `/api/${group}/namespaces/${call.namespace}/${call.resource}/${call.name}`
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: [8, 4, 4, 4, 12].map((digits) => random.hex(digits)).join('-'),
    stage: 'ResponseComplete',
    requestURI: call.subresource === undefined ? path : `${path}/${call.subresource}`,
    verb: call.verb,
    user: { username: call.user, groups: [...call.groups, 'system:authenticated'] },
    sourceIPs: [call.ip],
    userAgent: call.agent,
    objectRef: {
      resource: call.resource,
      namespace: call.namespace,
      name: call.name,
      apiVersion: 'v1',
      ...(call.subresource === undefined ? {} : { subresource: call.subresource }),
    },
    responseStatus: { metadata: {}, code: call.verb === 'create' ? 201 : 200 },
    requestReceivedTimestamp: micro(call.atMs),
    stageTimestamp: micro(call.atMs + 4),
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  }
}

export interface TrailCall {
  readonly id: string
  readonly atMs: number
  readonly person: Person
  readonly source: 'git' | 'registry' | 'objectstore' | 'idp'
  readonly action: string
  readonly resource: string
  readonly bytes: number
}

export function trailRecord(call: TrailCall): Record<string, unknown> {
  return {
    type: 'audit',
    id: call.id,
    ts: new Date(call.atMs).toISOString(),
    source: call.source,
    action: call.action,
    principal: call.person.name,
    tenant: 'own',
    ip: call.person.ip,
    userAgent: call.source === 'git' ? 'git/2.51' : 'mlctl/3.4',
    country: 'DE',
    resource: call.resource,
    bytes: call.bytes,
    outcome: 'success',
    detail: {},
  }
}
