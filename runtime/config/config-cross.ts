/** What must hold between the settings, past what each one's own schema says. */
import { limits } from '../../core/limits.ts'
import { isLoopback } from '../loopback.ts'
import type { Config } from './config.ts'

export interface CrossMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint: string
}

export function crossMistakes(config: Config): readonly CrossMistake[] {
  const mistakes: CrossMistake[] = []
  const kafka = config.bus.kind === 'kafka'
  if (kafka && config.bus.kafka === undefined) {
    const message = 'bus.kind is "kafka", and bus.kafka is missing.'
    mistakes.push({ path: ['bus', 'kind'], message, hint: 'Add bus.kafka.brokers.' })
  }
  if (kafka && config.hmacKey === undefined) {
    const message = 'hmacKey is required on Kafka: every process must give a credential the same digest.'
    mistakes.push({ path: ['bus', 'kind'], message, hint: 'Add hmacKey: {env: NAME} or {file: path}.' })
  }
  mistakes.push(...indexMistakes(config.index))
  const loopback = isLoopback(config.http.listen.slice(0, config.http.listen.lastIndexOf(':')))
  if (!loopback && config.http.tokens.length === 0) {
    const message = `http.listen is ${config.http.listen}, beyond this machine, and http.tokens is empty.`
    const hint = 'Configure a token for each caller under http.tokens, or listen on 127.0.0.1.'
    mistakes.push({ path: ['http', 'listen'], message, hint })
  }
  if (!loopback && config.http.loopbackRoles.length > 0) {
    const message = `http.loopbackRoles is set, and http.listen is ${config.http.listen}, beyond this machine.`
    mistakes.push({ path: ['http', 'loopbackRoles'], message, hint: 'Give each caller a token instead.' })
  }
  const { bodyBytesMax, decompressedBytesMax, inFlightBytesMax } = config.collect
  const leastInFlight = bodyBytesMax + decompressedBytesMax + limits.recordsPerEnvelopeMax * limits.recordOverheadBytes
  if (inFlightBytesMax < leastInFlight) {
    const message = `collect.inFlightBytesMax is ${inFlightBytesMax}: a body of ${bodyBytesMax} bytes that becomes ${decompressedBytesMax}, of ${limits.recordsPerEnvelopeMax} records, could never be taken.`
    const hint = `Raise it to ${leastInFlight}, or lower collect.bodyBytesMax and collect.decompressedBytesMax.`
    mistakes.push({ path: ['collect', 'inFlightBytesMax'], message, hint })
  }
  const names = new Set<string>()
  for (const [index, { name }] of config.http.tokens.entries()) {
    if (names.has(name)) {
      const message = `Two tokens are named "${name}".`
      mistakes.push({
        path: ['http', 'tokens', index, 'name'],
        message,
        hint: 'Logs and decisions tell callers apart by name.',
      })
    }
    names.add(name)
  }
  return mistakes
}

function indexMistakes({ kind, elasticsearch }: Config['index']): readonly CrossMistake[] {
  const mistakes: CrossMistake[] = []
  if (kind === 'elasticsearch' && elasticsearch === undefined) {
    const message = 'index.kind is "elasticsearch", and index.elasticsearch is missing.'
    mistakes.push({ path: ['index', 'kind'], message, hint: 'Add index.elasticsearch.nodes.' })
  }
  if (elasticsearch === undefined) return mistakes
  const { username, password, apiKey } = elasticsearch
  const path = ['index', 'elasticsearch']
  if ((username === undefined) !== (password === undefined)) {
    const message = 'index.elasticsearch.username and password go together.'
    mistakes.push({ path, message, hint: 'Add the one that is missing, or use apiKey.' })
  }
  if (username !== undefined && apiKey !== undefined) {
    const message = 'index.elasticsearch has a user and an API key.'
    mistakes.push({ path, message, hint: 'Keep one of them.' })
  }
  return mistakes
}
