/** One bare hop as a process of its own: what comes on one topic goes to the next, untouched. Started by kafka-hops.ts. */
import { benchClient, type ClientName } from './kafka-clients.ts'

const [name, brokers, from, to] = process.argv.slice(2) as [ClientName, string, string, string]
const client = benchClient(name, brokers.split(','))
await client.consume(from, `hop-${from}`, async (_partition, batch) => client.produce(to, batch))
process.stdout.write('ready\n')
process.on('SIGTERM', () => {
  void client.close().finally(() => process.exit(0))
})
