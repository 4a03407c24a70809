/**
 * How a Kafka cluster and our topics on it are, for `modelwarden doctor`.
 *
 * Asks through the public client's admin, about topics that are there only: asking for another could make the broker make
 * it. The judging is pure. Promises: changes nothing; what this user may not see is said to be unseen, not to be well.
 */
import kafkajs, { type Admin, type ITopicMetadata } from 'kafkajs'
import { counted } from '../../core/counted.ts'
import { clockSkewMs, summed, type Diagnosis } from '../../core/diagnosis.ts'
import type { BusExpectations, ExpectedTopic } from '../../core/ports/bus.ts'
import { topics as names } from '../../core/topics.ts'
import { diagnoseAcls } from './diagnose-acls.ts'
import type { KafkaSettings } from './config.ts'
import { faultType } from './retry.ts'

/** Fewer copies than this: the loss of one broker at a bad moment loses records. */
const replicasMin = 3
const inSyncMin = 2
/** Where appended times are compared with our clock: something is appended there all the time. */
const clockTopics: readonly string[] = [names.audit, names.events, names.schedule]

/** A topic's settings as the broker applies them, defaults included; undefined where this user may not see them. */
export type TopicSettings = ReadonlyMap<string, string> | undefined

export async function diagnoseKafka(
  admin: Admin,
  settings: KafkaSettings,
  expected: BusExpectations,
  nowMs: number,
): Promise<readonly Diagnosis[]> {
  const { brokers } = await admin.describeCluster()
  const there = new Set(await admin.listTopics())
  const ours = expected.topics.map(({ spec }) => spec.name).filter((name) => there.has(name))
  const found = ours.length === 0 ? [] : (await admin.fetchTopicMetadata({ topics: ours })).topics
  const [seen, acls, clock] = await Promise.all([
    topicSettings(admin, ours),
    diagnoseAcls(admin, expected.users),
    diagnoseClock(admin, clockTopics.filter((name) => there.has(name)), nowMs), // prettier-ignore
  ])
  const byName = new Map(found.map((topic) => [topic.name, topic]))
  return [
    judgeBrokers(brokers.length),
    acls,
    ...(clock === undefined ? [] : [clock]),
    judgeVisibility(ours.length, seen),
    ...expected.topics.map((topic) => judgeTopic(topic, byName, seen.get(topic.spec.name), settings)),
  ]
}

export function judgeBrokers(count: number): Diagnosis {
  const says = `${count} ${count === 1 ? 'broker answers' : 'brokers are known'}.`
  if (count >= replicasMin) return { name: 'brokers', state: 'ok', says }
  return {
    name: 'brokers',
    state: 'warn',
    says: `${says} What is lost with ${count === 1 ? 'it' : 'one of them'} may be lost for good.`,
    do: `Run ${replicasMin} brokers, with replicationFactor: 3 and minInSync: 2 (docs/install.md).`,
  }
}

/** `byName`: the topics that there are. */
export function judgeTopic(
  { spec, partitionsFixed, partitionsOf = [] }: ExpectedTopic,
  byName: ReadonlyMap<string, Pick<ITopicMetadata, 'partitions'>>,
  seen: TopicSettings,
  settings: Pick<KafkaSettings, 'recordBytesMax'>,
): Diagnosis {
  const topic = byName.get(spec.name)
  if (topic === undefined) {
    return {
      name: spec.name,
      state: 'fail',
      says: 'There is no such topic, or this user may not see it.',
      do: 'Make it with: modelwarden topics create, or let services that may make topics start. Who may see what: modelwarden topics acls.',
    }
  }
  const inputs = partitionsOf.map((name) => byName.get(name)?.partitions.length ?? 0)
  const wanted = inputs.length === 0 ? spec.partitions : Math.max(...inputs)
  const { partitions } = topic
  const copies = Math.min(...partitions.map(({ replicas }) => replicas.length))
  const found = [
    ...(partitionsFixed && wanted > 0 ? judgePartitions(partitions.length, wanted) : []),
    ...judgeCopies(partitions, copies, Number(seen?.get('min.insync.replicas') ?? Number.NaN)),
    ...(seen === undefined ? [] : judgeSettings(spec, seen, settings.recordBytesMax)),
  ]
  const fine = [
    `${counted(partitions.length, 'partition')}, ${counted(copies, 'copy', 'copies')}`,
    ...(seen === undefined
      ? []
      : [`min.insync.replicas ${seen.get('min.insync.replicas')}`, `cleanup ${seen.get('cleanup.policy')}`, `compression ${seen.get('compression.type')}`]), // prettier-ignore
  ].join(', ')
  return summed(spec.name, `${fine}.`, found)
}

type Found = Omit<Diagnosis, 'name'>

function judgePartitions(count: number, wanted: number): Found[] {
  if (count === wanted) return []
  const says = `It has ${counted(count, 'partition')} and must have ${wanted}.`
  return [{ state: 'fail', says, do: 'Stop the services, remove the topic and make it anew (docs/operations.md).' }]
}

function judgeCopies(partitions: ITopicMetadata['partitions'], copies: number, inSync: number): Found[] {
  const found: Found[] = []
  const leaderless = partitions.filter(({ leader }) => leader < 0).length
  const behind = partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length
  const shut = partitions.filter(({ isr }) => isr.length < inSync).length
  if (leaderless > 0) found.push({ state: 'fail', says: `${counted(leaderless, 'partition has', 'partitions have')} no leader.`, do: 'Bring the missing brokers back.' }) // prettier-ignore
  if (inSync > copies)
    found.push({ state: 'fail', says: `min.insync.replicas is ${inSync}, and the replication factor ${copies}: nothing can be written.`, do: 'Lower min.insync.replicas or raise the number of copies.' }) // prettier-ignore
  else if (shut > 0)
    found.push({ state: 'fail', says: `${counted(shut, 'partition has', 'partitions have')} fewer copies in step than min.insync.replicas: nothing can be written there.`, do: 'Bring the missing brokers back.' }) // prettier-ignore
  else if (behind > 0)
    found.push({ state: 'warn', says: `${counted(behind, 'partition has', 'partitions have')} copies that lag behind.`, do: 'See whether a broker is down.' }) // prettier-ignore
  if (copies < replicasMin)
    found.push({ state: 'warn', says: `Its replication factor is ${copies}; ${replicasMin} survive the loss of a broker.`, do: 'Raise it with kafka-reassign-partitions.sh, and bus.kafka.replicationFactor for topics to come.' }) // prettier-ignore
  if (inSync < inSyncMin)
    found.push({ state: 'warn', says: `min.insync.replicas is ${inSync}: a record counts as written with one copy.`, do: 'Set it to 2 with kafka-configs.sh, and bus.kafka.minInSync for topics to come.' }) // prettier-ignore
  return found
}

function judgeSettings(
  spec: ExpectedTopic['spec'],
  seen: ReadonlyMap<string, string>,
  recordBytesMax: number,
): Found[] {
  const set = (name: string, value: string | number): string => `Set ${name}=${value} with kafka-configs.sh.`
  const found: Found[] = []
  const times = seen.get('message.timestamp.type')
  if (times !== 'LogAppendTime')
    found.push({ state: 'fail', says: `message.timestamp.type is ${times}: senders would set the bus's time.`, do: set('message.timestamp.type', 'LogAppendTime') }) // prettier-ignore
  const cleanup = seen.get('cleanup.policy')
  if (cleanup !== spec.cleanup)
    found.push({ state: 'fail', says: `cleanup.policy is ${cleanup} and must be ${spec.cleanup}: records would be lost or kept for ever.`, do: set('cleanup.policy', spec.cleanup) }) // prettier-ignore
  const kept = Number(seen.get('retention.ms') ?? -1)
  if (spec.cleanup === 'delete' && spec.retentionMs !== undefined && kept >= 0 && kept < spec.retentionMs)
    found.push({ state: 'warn', says: `Records are kept for ${(kept / 3_600_000).toFixed(1)} hours, less than the ${spec.retentionMs / 3_600_000} of a topic made by us.`, do: set('retention.ms', spec.retentionMs) }) // prettier-ignore
  const bytes = Number(seen.get('max.message.bytes') ?? recordBytesMax)
  if (bytes < recordBytesMax)
    found.push({ state: 'warn', says: `It takes records of ${bytes} bytes; ours may have ${recordBytesMax}.`, do: set('max.message.bytes', recordBytesMax + 100_000) }) // prettier-ignore
  const packed = seen.get('compression.type')
  if (packed !== undefined && packed !== 'producer')
    found.push({ state: 'warn', says: `compression.type is ${packed}: the broker packs every batch anew.`, do: set('compression.type', 'producer') }) // prettier-ignore
  return found
}

export function judgeVisibility(topics: number, seen: ReadonlyMap<string, TopicSettings>): Diagnosis {
  const hidden = [...seen.values()].filter((each) => each === undefined).length
  if (hidden === 0) return { name: 'topics', state: 'ok', says: `${topics} of our topics are there, their settings visible.` } // prettier-ignore
  return {
    name: 'topics',
    state: 'warn',
    says: `The broker does not let this user see the settings of ${counted(hidden, 'topic')} (TOPIC_AUTHORIZATION_FAILED).`,
    do: 'Run this as a user with DescribeConfigs on topics; what services themselves need is listed by: modelwarden topics acls.',
  }
}

async function topicSettings(admin: Admin, ours: readonly string[]): Promise<ReadonlyMap<string, TopicSettings>> {
  const each = ours.map(async (name): Promise<readonly [string, TopicSettings]> => {
    try {
      // One topic a request: a single one that is hidden fails the whole answer.
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
      })
      const entries = resources.flatMap(({ configEntries }) => configEntries)
      return [name, new Map(entries.map(({ configName, configValue }) => [configName, configValue]))]
    } catch (error) {
      if (faultType(error)?.endsWith('_AUTHORIZATION_FAILED') !== true) throw error
      return [name, undefined]
    }
  })
  return new Map(await Promise.all(each))
}

/**
 * A record whose append time lies ahead of our clock shows how far the two are apart. The other way round proves nothing:
 * the newest record may be old.
 */
async function diagnoseClock(admin: Admin, ours: readonly string[], nowMs: number): Promise<Diagnosis | undefined> {
  if (ours.length === 0) return undefined
  const aheadBy = async (ms: number): Promise<boolean> => {
    const each = ours.map(async (topic) => {
      const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, high]))
      const first = await admin.fetchTopicOffsetsByTimestamp(topic, nowMs + ms)
      return first.some(({ partition, offset }) => Number(offset) < Number(ends.get(partition) ?? 0))
    })
    return (await Promise.all(each)).includes(true)
  }
  try {
    if (!(await aheadBy(clockSkewMs.warn))) return { name: 'clock', state: 'ok', says: 'No record was appended later than our clock says it is.' } // prettier-ignore
    const far = await aheadBy(clockSkewMs.fail)
    const apart = (far ? clockSkewMs.fail : clockSkewMs.warn) / 1_000
    return {
      name: 'clock',
      state: far ? 'fail' : 'warn',
      says: `The brokers appended records more than ${apart} s ahead of this machine's clock.`,
      do: 'Let NTP set the clocks of the brokers and of this machine.',
    }
  } catch (error) {
    if (faultType(error)?.endsWith('_AUTHORIZATION_FAILED') !== true) throw error
    return { name: 'clock', state: 'ok', says: 'This user may not see the topics by which the clocks are compared.' }
  }
}
