import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { printOf, safetensors, weights } from '../test/support/model-files.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { fingerprintFiles } from './assets-fingerprint.ts'

test('of several found files the one that is a registered file, byte for byte, is named beside what they are together', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'found-'))
  const [ours, other] = [safetensors({ up: weights(1, 4_096) }), safetensors({ up: weights(2, 4_096) })]
  const release = { version: 1, asset: 'llm', release: '1.2', files: [await printOf(ours, 'ours.safetensors')] }
  await writeFile(join(folder, 'llm.json'), JSON.stringify(release))
  const paths = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')]
  await writeFile(paths[0]!, other)
  await writeFile(paths[1]!, ours)
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const said = async (json: { json?: true }): Promise<string> => {
    write.mockClear()
    await fingerprintFiles(paths, { registry: folder, base: [], ...json }, {} as LoadedConfig)
    return write.mock.calls.map(([text]) => String(text)).join('')
  }
  try {
    expect(await said({})).toMatch(/b\.safetensors is, byte for byte, llm 1\.2 \(ours\.safetensors\)\.\nIt contains/)
    expect(JSON.parse(await said({ json: true }))).toMatchObject({
      verdict: 'identical',
      matches: [{ comparison: { verdict: 'contains' } }],
      identical: [{ found: 'b.safetensors', asset: 'llm', release: '1.2', file: 'ours.safetensors' }],
    })
  } finally {
    write.mockRestore()
    await rm(folder, { recursive: true })
  }
})
