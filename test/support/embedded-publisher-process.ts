/**
 * A process to be killed: publishes numbered records without end, several callers at a time, and says on its standard
 * output which ones the bus has acknowledged.
 */
import { writeSync } from 'node:fs'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { silentLog } from '../../runtime/log.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('which folder?')
const { bus, index } = await openEmbedded({ folder, log: silentLog, clock: systemClock })
await bus.createTopics([
  { name: 'log', partitions: 3, cleanup: 'delete' },
  { name: 'state', partitions: 1, cleanup: 'compact' },
])
/** A full pipe means that the parent is slow: it must hear everything all the same. */
const say = (line: string): void => {
  for (;;) {
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
say('ready')

const caller = async (name: string): Promise<void> => {
  for (let i = 0; ; i++) {
    await bus.publish(
      Array.from({ length: 1 + (i % 7) }, (_, j) => ({ topic: 'log', key: name, value: `${name} ${i} ${j}` })),
    )
    say(`log ${name} ${i}`)
  }
}
const checkpoints = async (): Promise<void> => {
  const producer = await bus.fenced('stage')
  for (let i = 0; ; i++) {
    await producer.commit(['a', 'b', 'c'].map((key) => ({ topic: 'state', key, value: `${i}` })))
    say(`state ${i}`)
  }
}
const documents = async (): Promise<void> => {
  for (let i = 0; ; i++) {
    await index.put([{ collection: 'events', id: `${i}`, timeMs: i, document: { i, text: `word${i}` } }])
    say(`index ${i}`)
  }
}
await Promise.all([caller('ana'), caller('bo'), caller('cy'), checkpoints(), documents()])
