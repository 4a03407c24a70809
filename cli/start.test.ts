import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { home } from './home.ts'

/** Every file of the project that a module loads at once, itself included: not what it imports when it is needed. */
function loadedWith(path: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(path) || !existsSync(join(home, path))) return loaded
  loaded.add(path)
  const text = readFileSync(join(home, path), 'utf8')
  for (const [, from = ''] of text.matchAll(/^(?:import|export)\b(?! type)[^'";]*? from '(\.[^']+)'$/gm)) {
    loadedWith(relative(home, join(home, dirname(path), from)), loaded)
  }
  return loaded
}

describe('what a start of the program waits for', () => {
  it('`rules match` loads no adapter, no connector, no detector and no other command', () => {
    const loaded = [
      ...loadedWith('cli/modelwarden.ts'),
      ...loadedWith('cli/commands/rules.ts'),
      ...loadedWith('cli/rules/match.ts'),
    ]
    expect(loaded).toContain('engine/sigma/matcher.ts')
    const heavy =
      /^(?:adapters|connectors|services\/(?!detect|collect))\/|^engine\/behavior\/(?!envelope)|^cli\/(?:table|settings)\.ts|^cli\/commands\/(?!rules)/
    expect(loaded.filter((path) => heavy.test(path))).toEqual([])
  })
})
