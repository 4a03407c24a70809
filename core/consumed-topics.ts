/**
 * Which topics each consumer group reads: what services take in, what is told of who waits for what, and what each may do on
 * the bus.
 */
import { topics } from './topics.ts'

export const consumedTopics = {
  normalize: [topics.audit, topics.inference],
  detect: [topics.events],
  'detect-groups': [topics.observations],
  meter: [topics.events],
  correlate: [topics.signals],
  'correlate-decisions': [topics.decisions],
  respond: [topics.effects],
  'respond-incidents': [topics.incidents],
  'respond-decisions': [topics.decisions],
  licensing: [topics.licenseCommands],
  'licensing-telling': [topics.licenses],
  'licensing-commands': [topics.effects],
  indexer: [
    topics.events,
    topics.signals,
    topics.incidents,
    topics.incidentHistory,
    topics.effects,
    topics.decisions,
    topics.deeds,
    topics.deadLetters,
    topics.licenses,
    topics.leaks,
    topics.usage,
  ],
} as const
