/**
 * What each service may do on the bus, and no more: the least privilege that Kafka's ACLs can express.
 *
 * `modelwarden topics acls` prints it for kafka-acls.sh; test/integration/kafka-acls.test.ts runs every service under a user
 * that has just this, on a broker that enforces it. Only licensing may write licenses, only respond may write effects'
 * verdicts; nobody but who publishes content may write content.
 */
import { consumedTopics } from '../core/consumed-topics.ts'
import { stateTopic, topics } from '../core/topics.ts'
import { serviceNames, type ServiceName } from './service-names.ts'

/** A stage with state: its name, and the topics that it reads (its state topic has as many partitions). */
export interface StageAccess {
  readonly name: string
  readonly inputs: readonly string[]
}

export interface TopicAccess {
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly stages: readonly StageAccess[]
  /** Consumer groups beside those of its stages. */
  readonly groups?: readonly string[]
  /** Beginnings of consumer groups that each process has one of. */
  readonly ownGroups?: readonly string[]
  /** Beginnings of transactional ids beside those of its stages. */
  readonly transactions?: readonly string[]
  /** Sees how far every group has come. */
  readonly seesGroups?: boolean
}

function stagesOf(...names: readonly (keyof typeof consumedTopics)[]): readonly StageAccess[] {
  return names.map((name) => ({ name, inputs: consumedTopics[name] }))
}

export const topicAccess: Readonly<Record<ServiceName, TopicAccess>> = {
  collect: { reads: [topics.content], writes: [topics.audit, topics.inference, topics.deadLetters], stages: [] },
  normalize: {
    reads: [topics.content],
    // Its own inputs: ticks of time in partitions that fell silent.
    writes: [topics.audit, topics.inference, topics.events, topics.schedule, topics.deadLetters],
    stages: stagesOf('normalize'),
  },
  detect: {
    // Tallies: what rules did on the partitions of other processes.
    reads: [topics.content, topics.ruleTallies],
    // Events: what detectors have learned over all principals, told to every partition.
    writes: [topics.events, topics.observations, topics.signals, topics.leaks, topics.ruleTallies, topics.deadLetters],
    stages: stagesOf('detect', 'detect-groups'),
  },
  meter: {
    reads: [topics.content],
    writes: [topics.usage, topics.deadLetters],
    stages: stagesOf('meter'),
  },
  correlate: {
    reads: [topics.content],
    writes: [topics.signals, topics.incidents, topics.incidentHistory, topics.deadLetters],
    stages: stagesOf('correlate', 'correlate-decisions'),
  },
  respond: {
    reads: [topics.content],
    writes: [topics.effects, topics.decisions, topics.deadLetters],
    stages: stagesOf('respond', 'respond-incidents', 'respond-decisions'),
  },
  licensing: {
    reads: [topics.content, topics.licenses],
    // Events: how licenses stand, told to every partition.
    writes: [
      topics.licenses,
      topics.licenseCommands,
      topics.events,
      topics.decisions,
      topics.deeds,
      topics.deadLetters,
    ],
    stages: stagesOf('licensing', 'licensing-telling', 'licensing-commands'),
  },
  authorize: { reads: [topics.licenses, topics.content], writes: [], stages: [] },
  indexer: {
    reads: [...consumedTopics.indexer, topics.content],
    writes: [topics.deadLetters],
    stages: [],
    groups: ['warden.indexer'],
  },
  schedule: {
    reads: [topics.content, topics.schedule, topics.licenses, topics.signals],
    // Content is told into every log that obeys it.
    writes: [
      topics.content,
      topics.schedule,
      topics.audit,
      topics.inference,
      topics.events,
      topics.observations,
      topics.effects,
      topics.deadLetters,
    ],
    stages: [],
    groups: ['warden.schedule'],
    transactions: ['schedule/'],
  },
  console: {
    reads: [...consumedTopics.indexer, topics.content],
    // Decisions, and dead letters that are put back where they came from.
    writes: [
      topics.decisions,
      topics.deeds,
      topics.deadLetters,
      topics.audit,
      topics.inference,
      topics.events,
      topics.signals,
    ],
    stages: [],
    ownGroups: ['warden.console-live.'],
    seesGroups: true,
  },
}

export const stagesOfAll: readonly StageAccess[] = serviceNames.flatMap((name) => topicAccess[name].stages)

type Operation = 'Read' | 'Write' | 'Describe'

/** One rule: who may do what on which names. */
interface Acl {
  readonly user: ServiceName
  readonly resource: 'topic' | 'group' | 'transactional-id'
  readonly pattern: 'literal' | 'prefixed'
  readonly names: readonly string[]
  readonly operations: readonly Operation[]
}

export function aclsOf(user: ServiceName): readonly Acl[] {
  const {
    reads,
    writes,
    stages,
    groups = [],
    ownGroups = [],
    transactions = [],
    seesGroups = false,
  } = topicAccess[user]
  const states = stages.map(({ name }) => stateTopic(name))
  const all: readonly Acl[] = [
    // Names, partitions and settings of topics are no secret among the services; what stands in them is.
    { user, resource: 'topic', pattern: 'prefixed', names: ['warden.'], operations: ['Describe'] },
    { user, resource: 'topic', pattern: 'literal', names: [topics.audit, topics.inference], operations: ['Describe'] },
    {
      user,
      resource: 'topic',
      pattern: 'literal',
      names: unique([...reads, ...stages.flatMap(({ inputs }) => inputs), ...states]),
      operations: ['Read'],
    },
    { user, resource: 'topic', pattern: 'literal', names: unique([...writes, ...states]), operations: ['Write'] },
    {
      user,
      resource: 'group',
      pattern: 'literal',
      names: [...stages.map(({ name }) => `warden.${name}`), ...groups],
      operations: ['Read'],
    },
    { user, resource: 'group', pattern: 'prefixed', names: ownGroups, operations: ['Read'] },
    { user, resource: 'group', pattern: 'prefixed', names: seesGroups ? ['warden.'] : [], operations: ['Describe'] },
    {
      user,
      resource: 'transactional-id',
      pattern: 'prefixed',
      names: [...stages.map(({ name }) => `${name}/`), ...transactions],
      operations: ['Write', 'Describe'],
    },
  ]
  return all.filter(({ names }) => names.length > 0)
}

/** The arguments of kafka-acls.sh that say so, a line each. The user is named like the service. */
export function aclLines(user: ServiceName): readonly string[] {
  return aclsOf(user).map(({ resource, pattern, names, operations }) => {
    const may = operations.flatMap((operation) => ['--operation', operation])
    const on = names.flatMap((name) => [`--${resource}`, name])
    return ['--allow-principal', `User:${user}`, ...may, ...on, '--resource-pattern-type', pattern].join(' ')
  })
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
