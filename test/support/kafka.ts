/**
 * A real Kafka broker for tests.
 *
 * `describeKafka` for tests that share the run's broker (give topics and groups names of their own: `uniqueName`);
 * `describeOwnKafka` and `startKafka` for tests that crash a broker, fill it, or configure it otherwise. Both skip their
 * tests where there is no broker, and the report at the end of the run says how many and why.
 */
import { randomBytes } from 'node:crypto'
import { describe, inject, type TaskMeta } from 'vitest'
import { KafkaBroker, type KafkaBrokerOptions } from '../servers/kafka/broker.ts'
import type { KafkaOfTheRun } from '../servers/kafka/for-the-run.ts'
import { temporaryFolder } from './tmp.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Why a test was skipped whose server is missing; the reporter counts tests by it. */
    serverMissing?: string
  }
}

/** The run's shared broker. Throws in a project that vitest.config.ts gives none to: a mistake, not a missing server. */
export function kafkaForTests(): { readonly brokers: string[] } | undefined {
  const { shared } = kafkaOfTheRun()
  return 'brokers' in shared ? shared : undefined
}

/** A suite against the shared broker. */
export function describeKafka(name: string, tests: (kafka: { readonly brokers: string[] }) => void): void {
  const kafka = kafkaForTests()
  const collect = () => {
    tests(kafka ?? { brokers: [] })
  }
  if (kafka !== undefined) describe(name, collect)
  else skip(name, collect)
}

/** A suite that starts brokers of its own with `startKafka`. */
export function describeOwnKafka(name: string, tests: () => void): void {
  const { own } = kafkaOfTheRun()
  if ('classPath' in own) describe(name, tests)
  else skip(name, tests)
}

/** Starts a broker that belongs to one test. End it with `stop` or `kill9`; it dies with the test process at the latest. */
export async function startKafka(options: Partial<Omit<KafkaBrokerOptions, 'classPath'>> = {}): Promise<KafkaBroker> {
  const { own } = kafkaOfTheRun()
  if ('missing' in own) throw new Error(`no broker of its own for this test: ${own.missing}`)
  const dir = options.dir ?? (await temporaryFolder('kafka'))
  return await KafkaBroker.start({ heapMb: 256, ...options, dir, classPath: own.classPath })
}

/** A name that no other test on the shared broker uses: `events-3f9a01c2`. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`
}

function kafkaOfTheRun(): KafkaOfTheRun {
  const kafka = inject('kafka') as KafkaOfTheRun | undefined
  if (kafka === undefined) throw new Error('this vitest project has no Kafka: see `withServers` in vitest.config.ts')
  return kafka
}

function skip(name: string, tests: () => void): void {
  const { shared, own } = kafkaOfTheRun()
  const missing =
    'missing' in shared ? shared.missing : 'missing' in own ? `a broker that tests may crash: ${own.missing}` : ''
  const meta: Partial<TaskMeta> = { serverMissing: `Kafka: ${missing}` }
  describe.skip(name, { meta }, tests)
}
