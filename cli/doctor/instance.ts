/** A live instance, where one is named or lives in the data folder. */
import { counted } from '../../core/counted.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { connect, knownInstance } from '../client.ts'
import type { Status } from '../commands/status.ts'
import type { GlobalOptions } from '../options.ts'

const serviceStates = { ready: 'ok', starting: 'warn', degraded: 'warn', failed: 'fail' } as const

export async function lookAtInstance(options: GlobalOptions): Promise<readonly Diagnosis[]> {
  if (knownInstance(options) === undefined) {
    const says = 'None lives in this data folder, and none is named (--url, MODELWARDEN_URL).'
    return [{ name: 'instance', state: 'ok', says }]
  }
  const client = connect(options)
  return judgeStatus(client.url, await client.get<Status>('/v1/status'))
}

export function judgeStatus(
  url: string,
  { services, bus, index, content }: Pick<Status, 'services' | 'bus' | 'index' | 'content'>,
): readonly Diagnosis[] {
  const todo = 'See its log on standard error, and what modelwarden status says.'
  const unwell = [
    ...Object.entries(services).map(([name, { state, summary }]) => ({ name, state: serviceStates[state], says: summary })), // prettier-ignore
    ...[
      { ...bus, name: 'bus' },
      { ...index, name: 'index' },
    ].map(({ name, ok, problem }) => {
      return { name, state: ok ? ('ok' as const) : ('fail' as const), says: problem ?? 'It does not answer.' }
    }),
    ...content.mistakes.map(({ set, mistakes }) => {
      const says = `${counted(mistakes.length, 'mistake')}: what was in force before stays in force.`
      return { name: set, state: 'warn' as const, says }
    }),
  ].filter(({ state }) => state !== 'ok')
  if (unwell.length > 0) return unwell.map((each) => ({ ...each, do: todo }))
  return [{ name: 'instance', state: 'ok', says: `${url} is well: ${Object.keys(services).join(', ')}.` }]
}
