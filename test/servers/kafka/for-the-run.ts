/**
 * One Kafka broker for a whole test run, shared by every project that asks (vitest's globalSetup).
 *
 * Where it comes from, first that works: the addresses in TEST_KAFKA, Maven and Java, Docker. Where none does, the
 * tests that need it are skipped, and the closing report says so. TEST_KAFKA=required makes that a failure instead,
 * TEST_KAFKA=off asks for nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { KafkaBroker } from './broker.ts'
import { dockerMissing, startKafkaContainer } from './container.ts'
import { kafkaJars } from './jars.ts'

/** What tests get to know by `inject('kafka')`. */
export interface KafkaOfTheRun {
  /** The shared broker, or why there is none. */
  readonly shared: { readonly brokers: string[] } | { readonly missing: string }
  /** The class path that a test starts a broker of its own with, or why it can't. */
  readonly own: { readonly classPath: string } | { readonly missing: string }
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaOfTheRun
  }
}

interface Started {
  readonly kafka: KafkaOfTheRun
  stop(): Promise<void>
}

// Vitest loads this module once for each project; what they share hangs on the process.
const shared = globalThis as { modelwardenTestKafka?: { users: number; started: Promise<Started> } | undefined }

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = (shared.modelwardenTestKafka ??= { users: 0, started: start(process.env['TEST_KAFKA'] ?? '') })
  run.users += 1
  const { kafka, stop } = await run.started
  project.provide('kafka', kafka)
  return async () => {
    run.users -= 1
    if (run.users > 0) return
    shared.modelwardenTestKafka = undefined
    await stop()
  }
}

async function start(wanted: string): Promise<Started> {
  const nothing = async () => undefined
  if (wanted === 'off') {
    const missing = 'TEST_KAFKA=off'
    return { kafka: { shared: { missing }, own: { missing } }, stop: nothing }
  }
  const own = await kafkaJars()
  if (wanted !== '' && wanted !== 'required') {
    return { kafka: { shared: { brokers: wanted.split(',') }, own }, stop: nothing }
  }
  if ('classPath' in own) {
    const dir = await mkdtemp(join(tmpdir(), 'modelwarden-kafka-'))
    const broker = await KafkaBroker.start({ dir, classPath: own.classPath })
    return {
      kafka: { shared: { brokers: broker.brokers }, own },
      stop: async () => {
        await broker.kill9()
        await rm(dir, { recursive: true, force: true })
      },
    }
  }
  const noDocker = await dockerMissing()
  if (noDocker === undefined) {
    const container = await startKafkaContainer()
    return { kafka: { shared: { brokers: container.brokers }, own }, stop: () => container.stop() }
  }
  const missing = `${own.missing}; ${noDocker}`
  if (wanted === 'required') throw new Error(`TEST_KAFKA=required, but there is no Kafka: ${missing}`)
  return { kafka: { shared: { missing }, own }, stop: nothing }
}
