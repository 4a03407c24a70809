/**
 * Ports for servers that are killed and started again on the same one. They lie below those that the kernel gives to
 * outgoing connections: one of these takes a free port while its server is down, and the server then can't come back.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const least = 12_000
const triesMax = 500
const given = new Set<number>()

/** Ports that were free a moment ago, all different, and none that this process was given before. */
export async function freePorts(count: number): Promise<number[]> {
  const end = outgoingFrom()
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === triesMax) throw new Error(`no ${count} free ports from ${least} to ${end}`)
    const port = least + Math.floor(Math.random() * (end - least))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

/** The first port that the kernel gives to outgoing connections; Linux says, others begin higher. */
function outgoingFrom(): number {
  try {
    return Math.max(least + 1_000, parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')))
  } catch {
    return 32_768
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => {
      resolve(false)
    })
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
