/**
 * Respond, licensing and authorize as one embedded process, for tests that kill it: `node respond-process.ts <config.json>`.
 * Says `ready <url>` on standard output once it runs.
 */
import { readFileSync } from 'node:fs'
import { compose } from '../../cli/compose.ts'
import { Config } from '../../runtime/config/config.ts'

const [file = '', folder = ''] = process.argv.slice(2)
const config = Config.parse(JSON.parse(readFileSync(file, 'utf8')))
const instance = await compose({
  loaded: { config, file, folder },
  env: process.env,
  services: ['respond', 'licensing', 'authorize'],
  publishes: true,
  listens: true,
})
process.stdout.write(`ready ${instance.url ?? ''}\n`)
process.stdin.on('data', (data) => {
  // One line, one record for the bus: what stands before respond is not part of these tests.
  for (const line of data
    .toString('utf8')
    .split('\n')
    .filter((each) => each !== '')) {
    const { topic, key, value } = JSON.parse(line) as { topic: string; key: string; value: unknown }
    void instance.bus.publish([{ topic, key, value: JSON.stringify(value) }])
  }
})
process.on('SIGTERM', () => {
  void instance.stop().then(() => process.exit(0))
})
