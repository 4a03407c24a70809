import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configSchema, type ConfigNode } from '../runtime/config/config-keys.ts'
import { configReference } from './config-reference.ts'
import { home } from './home.ts'

function undescribed(path: string, node: ConfigNode): string[] {
  const own = node.description === undefined && path !== '' && node.properties === undefined ? [path] : []
  return [
    ...own,
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => undescribed(`${path}/${key}`, child)),
  ]
}

describe('the reference of the configuration', () => {
  it('says of every setting what it does', () => {
    expect(undescribed('', configSchema())).toEqual([])
  })

  it('stands in docs as the schema has it (mend with: npx vitest run cli/config-reference -u)', async () => {
    await expect(configReference()).toMatchFileSnapshot(join(home, 'docs', 'configuration-reference.md'))
  })
})
