/** The bus and the search index, each as its adapter sees it. */
import { diagnoseEmbedded } from '../../adapters/embedded/diagnose.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import type { BusExpectations } from '../../core/ports/bus.ts'
import { stateTopic, topicSpecs } from '../../core/topics.ts'
import type { Config } from '../../runtime/config/config.ts'
import { silentLog } from '../../runtime/log.ts'
import { openKafka, openSearchServer, type AdapterOptions } from '../adapters.ts'
import { serviceNames } from '../service-names.ts'
import { stagesOfAll } from '../topic-access.ts'
import type { Patient } from './patient.ts'

/** So that a broker that takes connections and says nothing is told apart before the look is over. */
const connectMsMax = 2_000
const requestMsMax = 8_000

export async function lookAtBus(patient: Patient): Promise<readonly Diagnosis[]> {
  const bus = openKafka(optionsOf(patient))
  if (bus === undefined) return await diagnoseEmbedded(patient.dataFolder, 'bus')
  try {
    return (await bus.diagnose?.(expectationsOf(patient.loaded.config.bus.partitions))) ?? []
  } finally {
    void bus.close().catch(() => undefined)
  }
}

export async function lookAtIndex(patient: Patient): Promise<readonly Diagnosis[]> {
  const index = await openSearchServer(optionsOf(patient))
  if (index === undefined) return await diagnoseEmbedded(patient.dataFolder, 'index')
  try {
    return (await index.diagnose?.()) ?? []
  } finally {
    void index.close().catch(() => undefined)
  }
}

function optionsOf(patient: Patient): AdapterOptions {
  const { loaded, dataFolder } = patient
  const { config, folder } = loaded
  return { config: impatient(config), folder, dataFolder, secrets: patient.secrets(), log: silentLog, index: true }
}

function impatient(config: Config): Config {
  const { bus, index } = config
  const { kafka } = bus
  const { elasticsearch } = index
  return {
    ...config,
    bus: {
      ...bus,
      kafka: kafka && {
        ...kafka,
        connectionTimeoutMs: Math.min(kafka.connectionTimeoutMs, connectMsMax),
        requestTimeoutMs: Math.min(kafka.requestTimeoutMs, requestMsMax),
      },
    },
    index: {
      ...index,
      elasticsearch: elasticsearch && {
        ...elasticsearch,
        requestTimeoutMs: Math.min(elasticsearch.requestTimeoutMs, requestMsMax),
      },
    },
  }
}

/** All our topics: those that `modelwarden topics create` makes. */
export function expectationsOf(partitions: number): BusExpectations {
  // Those that have one partition however many the others have, have one log for the sake of its order.
  const single = new Set(
    topicSpecs(2)
      .filter((spec) => spec.partitions === 1)
      .map(({ name }) => name),
  )
  const logs = topicSpecs(partitions).map((spec) => ({ spec, partitionsFixed: single.has(spec.name) }))
  const states = stagesOfAll.map(({ name, inputs }) => ({
    spec: { name: stateTopic(name), partitions, cleanup: 'compact' as const },
    partitionsFixed: true,
    partitionsOf: inputs,
  }))
  return { topics: [...logs, ...states], users: serviceNames }
}
