import { describe, expect, it } from 'vitest'
import { ConnectorUnavailableError } from '../core/ports/connector.ts'
import { createLog } from './logger.ts'
import { Redactor } from './redact.ts'

function collected(format: 'json' | 'text', redactor = new Redactor()) {
  const lines: string[] = []
  const log = createLog({ level: 'info', format, redactor, stream: { write: (text) => lines.push(text) } })
  return { lines, log, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('the log', () => {
  it('writes one JSON object a line with its fields, and those of the log it was derived from', () => {
    const { log, parsed } = collected('json')
    log.with({ service: 'detect' }).info('Rules are in force', { count: 3 })
    expect(parsed()).toEqual([
      { level: 'info', time: expect.any(String), service: 'detect', count: 3, message: 'Rules are in force' },
    ])
  })

  it('masks fields whose name says secret, however it is spelled, and leaves their neighbors', () => {
    const { log, lines } = collected('json')
    log.info('Called', {
      headers: { Authorization: 'Bearer abcdefghijkl', accept: '*/*' },
      apiKey: 'k-1',
      'x-api-key': 'k-2',
      client_secret: 'k-3',
      nested: [{ password: 'k-4', user: 'ana' }],
      tokens: 17,
      credentialId: 'hmac-0123',
    })
    expect(lines[0]).not.toMatch(/k-[1-4]|abcdefghijkl/)
    expect(lines[0]).toContain('"user":"ana"')
    expect(lines[0]).toContain('"tokens":17')
    expect(lines[0]).toContain('hmac-0123')
  })

  it('masks a secret that the process knows wherever it appears, in messages, errors and their causes', () => {
    const redactor = new Redactor()
    redactor.remember('s3cr3t-value')
    const { log, lines } = collected('json', redactor)
    const cause = new Error('401 for s3cr3t-value')
    log.error('Failed with s3cr3t-value', { error: new ConnectorUnavailableError('No answer', { cause }) })
    expect(lines[0]).not.toContain('s3cr3t-value')
    expect(lines[0]).toContain('CONNECTOR_UNAVAILABLE')
  })

  it.each([
    'Bearer abcdefgh12345678',
    'AKIAIOSFODNN7EXAMPLE',
    'xoxb-12345678-abcdefgh',
    'sk-abcdefghijklmnop1234',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig',
    'https://user:hunter22@host/',
  ])('masks what has the form of a credential: %s', (secret) => {
    expect(new Redactor().text(`before ${secret} after`)).toMatch(/^before .*\[redacted\].* after$/)
  })

  it('survives cycles, throwing getters and hostile keys', () => {
    const { log, parsed } = collected('json')
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    const throwing = Object.defineProperty({}, 'x', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    log.info('Odd', {
      cyclic,
      throwing,
      hostile: JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as unknown,
    })
    expect(parsed()[0]).toMatchObject({ throwing: { x: '[unreadable]' }, hostile: { constructor: 2 } })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('does not let a field pose as the line’s level or message', () => {
    const { log, parsed } = collected('json')
    log.info('True', { level: 'error', message: 'False' })
    expect(parsed()[0]).toMatchObject({ level: 'info', message: 'True', level_: 'error', message_: 'False' })
  })

  it('shows escape sequences of hostile values as text, so that a terminal does not obey them', () => {
    const { log, lines } = collected('text')
    log.info('User \u001b[2Jseen', { name: '\u001b]0;title\u0007\u202e' })
    expect(lines[0]).not.toMatch(/[\u001b\u0007\u202e]/)
    expect(lines[0]).toContain('\\u001b[2Jseen')
  })
})
