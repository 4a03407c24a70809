import { createRequire } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { makeCluster } from './internals.ts'

const server = createServer((socket) => socket.destroy())
afterEach(() => void server.close())

test('a broker that is gone, disconnected again and again, leaves no listeners behind', async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const cluster = makeCluster({
    ...{ brokers: [`127.0.0.1:${port}`], clientId: 'test', connectionTimeoutMs: 500, requestTimeoutMs: 500 },
    ...{ logLevel: 0, logCreator: () => () => undefined },
  })
  await expect(cluster.connect()).rejects.toThrow()
  const connection = cluster.brokerPool.seedBroker!.connectionPool.pool[0]!
  const socket = connection.socket as unknown as Socket
  await vi.waitFor(() => {
    expect(socket.closed).toBe(true)
  })
  for (let i = 0; i < 12; i++) await connection.disconnect()
  expect(socket.listenerCount('connect')).toBe(0)
})

test('a request grows by a share: many small parts are copied a few times, a large one takes up little more than it has', () => {
  const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js') as new () => {
    readonly buf: Buffer
    readonly buffer: Buffer
    writeInt32(value: number): unknown
    writeBufferInternal(value: Buffer): unknown
  }
  const many = new Encoder()
  const buffers = new Set<Buffer>()
  for (let n = 0; n < 20_000; n++) {
    many.writeInt32(n)
    buffers.add(many.buf)
  }
  expect(buffers.size).toBeLessThan(40)
  expect(many.buffer).toEqual(Buffer.concat(Array.from({ length: 20_000 }, (_, n) => {
    const four = Buffer.alloc(4)
    four.writeInt32BE(n)
    return four
  }))) // prettier-ignore
  const large = new Encoder()
  const value = Buffer.alloc(1_000_000, 7)
  large.writeBufferInternal(value)
  expect(large.buf.length).toBeLessThanOrEqual(1_300_000)
  expect(large.buffer.equals(value)).toBe(true)
})
