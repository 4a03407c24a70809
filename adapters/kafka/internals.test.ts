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
