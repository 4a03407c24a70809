/** A broker for benches: the one named in TEST_KAFKA, or one of its own that ends with the bench. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KafkaBroker } from '../servers/kafka/broker.ts'
import { kafkaJars } from '../servers/kafka/jars.ts'

/** `pid`: of the broker, where it is one of our own. */
export async function withBroker<T>(
  work: (brokers: string[], pid?: number) => Promise<T>,
): Promise<T | { readonly skipped: string }> {
  const named = process.env['TEST_KAFKA'] ?? ''
  if (named.includes(':')) return await work(named.split(','))
  const jars = await kafkaJars()
  if ('missing' in jars) return { skipped: jars.missing }
  const dir = await mkdtemp(join(tmpdir(), 'modelwarden-bench-'))
  const broker = await KafkaBroker.start({ dir, classPath: jars.classPath })
  try {
    return await work(broker.brokers, broker.pid)
  } finally {
    await broker.kill9()
    await rm(dir, { recursive: true, force: true })
  }
}
