/**
 * The embedded pair's process is killed in the middle of its work.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { DataFolderLockedError } from '../../core/errors.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { endsWithUs } from '../support/ends-with-us.ts'
import { temporaryFolder } from '../support/tmp.ts'

const program = join(import.meta.dirname, '../support/embedded-publisher-process.ts')

/** Starts the process and collects what it says was acknowledged. */
async function startPublisher(folder: string): Promise<{ child: ChildProcess; said: () => string[] }> {
  const child = spawn(process.execPath, [...endsWithUs, program, folder], { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  while (!output.includes('ready')) {
    if (child.exitCode !== null) throw new Error(`the publisher ended with ${child.exitCode}`)
    await sleep(5)
  }
  // The last line may be torn.
  return { child, said: () => output.split('\n').slice(0, -1) }
}

async function kill9(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`the publisher ended by itself, with ${child.exitCode}`)
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function last(lines: readonly string[], prefix: string): number {
  return Number(lines.findLast((line) => line.startsWith(prefix))?.slice(prefix.length) ?? -1)
}

test('everything acknowledged before kill -9 is there after it, in order, whole, and the next process has the folder at once', async () => {
  const folder = await temporaryFolder('kill')
  for (let round = 0; round < 6; round++) {
    const { child, said } = await startPublisher(join(folder, String(round)))
    await sleep(50 + round * 70)
    await kill9(child)
    const lines = said()
    const { bus, index, close } = await openEmbedded({
      folder: join(folder, String(round)),
      log: silentLog,
      clock: systemClock,
    })

    for (const name of ['ana', 'bo', 'cy']) {
      const values: string[] = []
      for (const { partition } of await bus.offsets('log')) {
        await bus.read({ topic: 'log', partition }, 'start', (batch) => {
          for (const record of batch) if (record.key === name) values.push(record.value!.toString())
        })
      }
      const whole: string[] = []
      for (let i = 0; whole.length < values.length; i++)
        for (let j = 0; j <= i % 7; j++) whole.push(`${name} ${i} ${j}`)
      expect(values).toEqual(whole)
      const acknowledged = last(lines, `log ${name} `)
      expect(acknowledged).toBeGreaterThan(0)
      expect(values).toContain(`${name} ${acknowledged} 0`)
    }

    const state = new Map<string, number>()
    await bus.read({ topic: 'state', partition: 0 }, 'start', (batch) => {
      for (const record of batch) state.set(record.key!, Number(record.value!.toString()))
    })
    expect(new Set(state.values()).size, 'a transaction is whole').toBe(1)
    expect(state.get('a')).toBeGreaterThanOrEqual(last(lines, 'state '))

    const indexed = last(lines, 'index ')
    expect(await index.count('events')).toBeGreaterThanOrEqual(indexed + 1)
    expect(await index.count('events', { text: `word${Math.max(0, indexed)}` })).toBe(1)
    await close()
  }
})

test('while the process lives nobody else gets its folder, and the refusal names it', async () => {
  const folder = await temporaryFolder('kill')
  const { child } = await startPublisher(folder)
  const refused = openEmbedded({ folder, log: silentLog, clock: systemClock })
  await expect(refused).rejects.toThrow(DataFolderLockedError)
  await expect(refused).rejects.toThrow(`process ${child.pid} on `)
  await kill9(child)
  const taken = await openEmbedded({ folder, log: silentLog, clock: systemClock })
  await taken.close()
})
