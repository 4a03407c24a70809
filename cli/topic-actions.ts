/** What `modelwarden topics create` does. */
import { counted } from '../core/counted.ts'
import { stateTopic, topicSpecs, type TopicSpec } from '../core/topics.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { createLog } from '../runtime/logger.ts'
import { Redactor } from '../runtime/redact.ts'
import { Secrets } from '../runtime/config/secrets.ts'
import { openAdapters } from './adapters.ts'
import { dataFolderOf } from './settings.ts'
import { stagesOfAll } from './topic-access.ts'

export interface MadeTopic {
  readonly name: string
  /** As they are: a topic that was there keeps its number. */
  readonly partitions: number
  readonly kept: string
}

const dayMs = 86_400_000

export async function createAllTopics(loaded: LoadedConfig): Promise<readonly MadeTopic[]> {
  const { config, folder } = loaded
  const redactor = new Redactor()
  const log = createLog({ ...config.log, level: 'warn', redactor })
  const secrets = new Secrets({ env: process.env, folder, redactor, log })
  const adapters = await openAdapters({
    ...{ config, folder, dataFolder: dataFolderOf(loaded), secrets, log, index: false },
  })
  const { bus } = adapters
  try {
    const logs = topicSpecs(config.bus.partitions)
    await bus.createTopics(logs)
    const states: TopicSpec[] = []
    for (const { name, inputs } of stagesOfAll) {
      const counts = await Promise.all(inputs.map((input) => bus.partitionCount(input)))
      states.push({ name: stateTopic(name), partitions: Math.max(...counts), cleanup: 'compact' })
    }
    await bus.createTopics(states)
    const made: MadeTopic[] = []
    for (const spec of [...logs, ...states]) {
      made.push({ name: spec.name, partitions: await bus.partitionCount(spec.name), kept: keptInWords(spec) })
    }
    return made
  } finally {
    await adapters.close()
  }
}

function keptInWords({ cleanup, retentionMs }: TopicSpec): string {
  if (cleanup === 'compact') return 'last version'
  return retentionMs === undefined ? 'as the broker says' : counted(retentionMs / dayMs, 'day')
}
