/** `node test/history/save.ts NAME`: saves the history of this version as test/history/saved/NAME.ndjson. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { firstHalf, saved, startServices } from './history.ts'

const [name] = process.argv.slice(2)
if (name === undefined) throw new Error('usage: node test/history/save.ts NAME')
/** Ample for two dozen records. */
const workedOffMs = 8_000

const folder = await mkdtemp(join(tmpdir(), 'modelwarden-history-'))
const instance = await startServices(folder)
await instance.bus.publish(firstHalf)
await sleep(workedOffMs)
await instance.stop()
const { bus, close } = await openEmbedded({ folder, log: silentLog, clock: systemClock })
const lines = (await saved(bus)).map((record) => JSON.stringify(record))
await close()
await writeFile(join(import.meta.dirname, 'saved', `${name}.ndjson`), `${lines.join('\n')}\n`)
await rm(folder, { recursive: true, force: true })
