/**
 * Whose state `modelwarden repartition` deals out anew: the stages whose logs are keyed, and how they know the keys.
 */
import { topics } from '../core/topics.ts'
import type { StateOwner } from '../runtime/stage/checkpoints.ts'
import type { Rekey } from '../runtime/stage/rekey.ts'
import { correlateRekey } from '../services/correlate/rekey.ts'
import { correlateStage } from '../services/correlate/service.ts'
import { migrateGroups } from '../services/detect/correlations/correlation-groups.ts'
import { detectStage, detectStateVersion } from '../services/detect/detect-stage.ts'
import { groupsStage, groupsStateVersion } from '../services/detect/groups-stage.ts'
import { detectRekey, groupsRekey } from '../services/detect/rekey.ts'
import type { RuleSet } from '../services/detect/rule-set/rule-set.ts'
import { meterRekey } from '../services/meter/rekey.ts'
import { respondRekey } from '../services/respond/rekey.ts'
import { respondStateVersion } from '../services/respond/service.ts'

export type RekeyedOwner = StateOwner & { readonly rekey: Rekey }

/** A relay keeps nothing but its place and its marks. */
const nothingKept: Rekey = { deal: (key, value) => [{ home: 'here', key, value }] }

const relay = (name: string, input: string): RekeyedOwner => ({
  name,
  inputs: [input],
  stateVersion: 1,
  rekey: nothingKept,
})

/** `rules`: those in force. */
export function rekeyedOwners(rules: RuleSet): readonly RekeyedOwner[] {
  return [
    {
      name: detectStage,
      inputs: [topics.events],
      stateVersion: detectStateVersion,
      migrate: migrateGroups,
      rekey: detectRekey(rules),
    },
    {
      name: groupsStage,
      inputs: [topics.observations],
      stateVersion: groupsStateVersion,
      migrate: migrateGroups,
      rekey: groupsRekey(rules),
    },
    { name: 'meter', inputs: [topics.events], stateVersion: 1, rekey: meterRekey },
    { ...correlateStage(), rekey: correlateRekey },
    { name: 'respond', inputs: [topics.effects], stateVersion: respondStateVersion, rekey: respondRekey },
    relay('correlate-decisions', topics.decisions),
    relay('respond-decisions', topics.decisions),
    relay('respond-incidents', topics.incidents),
    relay('licensing-commands', topics.effects),
  ]
}
