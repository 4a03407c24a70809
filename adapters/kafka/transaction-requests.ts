/**
 * Requests about transactions that kafkajs does not know, in the protocol's newer form: compact strings, tagged fields.
 */
import { BusRefusedError } from '../../core/errors.ts'
import { rawRequest, type BrokerNode } from './internals.ts'
import type { ProducerIdentity } from './outbox.ts'
import { ProtocolFault } from './retry.ts'
import { WireReader, WireWriter } from './wire.ts'

const initProducerIdKey = 22
const describeTransactionsKey = 65
/** The tags that end a header of this form; kafkajs writes headers of the older one. */
const noTags = 0

/** InitProducerId with the epoch held (KIP-360): aborts what is open and goes on under the next epoch, or is fenced. */
export async function bumpEpoch(
  node: BrokerNode,
  name: string,
  timeoutMs: number,
  held: ProducerIdentity,
): Promise<ProducerIdentity> {
  const versionMax = node.versions?.[initProducerIdKey]?.maxVersion ?? 0
  if (versionMax < 3) throw new BusRefusedError('the broker is too old: Kafka 2.5 or later is needed')
  const writer = new WireWriter(1 + compactBytes(name) + 4 + 8 + 2 + 1)
  writer.int8(noTags)
  compactString(writer, name)
  writer.int32(timeoutMs)
  writer.int64(held.producerId)
  writer.int16(held.producerEpoch)
  writer.int8(noTags)
  const api = { key: initProducerIdKey, version: Math.min(4, versionMax), name: 'InitProducerId' }
  const request = rawRequest(api, writer.done(), (payload) => {
    const reader = new WireReader(payload, 1 + 4)
    const errorCode = reader.int16()
    if (errorCode !== 0) throw new ProtocolFault(errorCode)
    return { producerId: reader.int64(), producerEpoch: reader.int16() }
  })
  return await node.connectionPool.send(request)
}

/** DescribeTransactions (KIP-664; Kafka 3.0): whether the name's last transaction is decided but not yet seen by readers. */
export async function isEnding(node: BrokerNode, name: string): Promise<boolean> {
  if (node.versions?.[describeTransactionsKey] === undefined) return false
  const writer = new WireWriter(1 + 1 + compactBytes(name) + 1)
  writer.int8(noTags)
  unsignedVarint(writer, 1 + 1)
  compactString(writer, name)
  writer.int8(noTags)
  const api = { key: describeTransactionsKey, version: 0, name: 'DescribeTransactions' }
  const request = rawRequest(api, writer.done(), (payload) => {
    const reader = new WireReader(payload, 1 + 4)
    readUnsignedVarint(reader)
    const errorCode = reader.int16()
    if (errorCode !== 0) throw new ProtocolFault(errorCode)
    reader.skip(readUnsignedVarint(reader) - 1)
    return reader.bytes(readUnsignedVarint(reader) - 1).toString()
  })
  const state = await node.connectionPool.send(request)
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

function compactBytes(text: string): number {
  return 5 + Buffer.byteLength(text)
}

function compactString(writer: WireWriter, text: string): void {
  unsignedVarint(writer, Buffer.byteLength(text) + 1)
  writer.utf8(text)
}

function unsignedVarint(writer: WireWriter, value: number): void {
  let left = value
  while (left >= 0x80) {
    writer.int8(((left & 0x7f) | 0x80) - 0x100)
    left >>>= 7
  }
  writer.int8(left)
}

function readUnsignedVarint(reader: WireReader): number {
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.int8()
    value |= (byte & 0x7f) << shift
    if (byte >= 0) break
  }
  return value
}
