import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { judgeClocks, judgeHealth, judgeIndices, judgeTemplate, judgeVersion, serverMajor } from './diagnose.ts'
import { mappingsOf, templateVersion } from './templates.ts'

describe('an Elasticsearch', () => {
  it('must be of the major version of the client', () => {
    const manifest = new URL('../../node_modules/@elastic/elasticsearch/package.json', import.meta.url)
    const client = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    expect(Number(client.version.split('.')[0])).toBe(serverMajor)
    expect(judgeVersion(client.version).state).toBe('ok')
    expect(judgeVersion('7.17.0')).toMatchObject({ state: 'fail', do: expect.stringContaining('8') })
  })

  it('that is red fails, yellow or alone is to be looked at, green with more nodes is well', () => {
    const of = (status: string, number_of_nodes: number) =>
      judgeHealth({ status, number_of_nodes, unassigned_shards: 0 }).state
    expect([of('red', 3), of('yellow', 3), of('green', 1), of('green', 2)]).toEqual(['fail', 'warn', 'warn', 'ok'])
  })

  it('whose template is missing, older, newer or changed says which, and is well where it is ours', () => {
    const ours = mappingsOf('signals')
    const found = (version: number, properties: unknown = ours['properties']) =>
      judgeTemplate('t', { version, template: { mappings: { properties } } }, ours)?.state
    expect(judgeTemplate('t', undefined, ours)?.state).toBe('warn')
    expect(found(templateVersion - 1)).toBe('warn')
    expect(found(templateVersion + 1)).toBe('fail')
    expect(found(templateVersion, { other: { type: 'keyword' } })).toBe('fail')
    expect(found(templateVersion)).toBeUndefined()
  })

  it('with an index that our templates did not make fails', () => {
    const ours = { modelwarden: { version: templateVersion } }
    expect(judgeIndices([['a', ours]]).state).toBe('ok')
    expect(judgeIndices([['a', { modelwarden: { version: templateVersion - 1 } }]]).state).toBe('warn')
    expect(judgeIndices([['a', ours], ['b', undefined]])).toMatchObject({ state: 'fail', says: expect.stringContaining('b') }) // prettier-ignore
  })

  it('whose clock is off is told, the time of the answer left out', () => {
    expect(judgeClocks([1_000_000], 1_000_000, 1_020_000).state).toBe('ok')
    expect(judgeClocks([1_010_000], 1_000_000, 1_000_100)).toMatchObject({ state: 'warn', says: expect.stringContaining('9.9 s') }) // prettier-ignore
    expect(judgeClocks([800_000], 1_000_000, 1_000_100).state).toBe('fail')
    expect(judgeClocks([], 1, 2)).toMatchObject({ says: expect.stringContaining('may not see') })
  })
})
