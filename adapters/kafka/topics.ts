/**
 * Makes topics as the pipeline needs them: LogAppendTime (time in a log never runs backwards), records as large as ours,
 * and for compacted topics segments small and young enough that compaction keeps up with checkpoints.
 */
import type { Admin } from 'kafkajs'
import type { TopicSpec } from '../../core/topics.ts'
import type { KafkaSettings } from './config.ts'

const compactSegmentBytes = 16 * 1024 * 1024
const compactSegmentMs = 10 * 60_000
const compactDirtyRatio = 0.2
const tombstonesKeptMs = 86_400_000

/** Names, partitions and configuration in the shape of kafkajs' admin. */
export function topicRequest(
  spec: TopicSpec,
  settings: KafkaSettings,
): Parameters<Admin['createTopics']>[0]['topics'][number] {
  const entries: Record<string, string> = {
    'message.timestamp.type': 'LogAppendTime',
    'cleanup.policy': spec.cleanup,
    'max.message.bytes': String(settings.recordBytesMax + 100_000),
    ...(spec.retentionMs === undefined ? {} : { 'retention.ms': String(spec.retentionMs) }),
    ...(settings.minInSync === undefined ? {} : { 'min.insync.replicas': String(settings.minInSync) }),
    ...(spec.cleanup === 'delete'
      ? {}
      : {
          'segment.bytes': String(compactSegmentBytes),
          'segment.ms': String(compactSegmentMs),
          'min.cleanable.dirty.ratio': String(compactDirtyRatio),
          'delete.retention.ms': String(tombstonesKeptMs),
        }),
  }
  return {
    topic: spec.name,
    numPartitions: spec.partitions,
    replicationFactor: settings.replicationFactor,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
  }
}
