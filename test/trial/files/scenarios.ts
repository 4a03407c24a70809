/** All scenarios of a trial, in the order of its report. */
import { credentialScenarios } from '../attacks/credential-scenarios.ts'
import { driftScenarios } from '../attacks/drift.ts'
import { extractionScenarios } from '../attacks/extraction-scenarios.ts'
import { insiderScenarios } from '../attacks/insiders.ts'
import { languageScenarios } from '../attacks/language-scenarios.ts'
import { poisonScenarios } from '../attacks/poisoning.ts'
import type { Scenario } from '../attacks/scenario.ts'
import { searchScenarios } from '../attacks/search-scenarios.ts'
import { honestScenarios } from '../customers/honest-scenarios.ts'

export const scenarios: readonly Scenario[] = [
  ...honestScenarios,
  ...extractionScenarios,
  ...searchScenarios,
  ...credentialScenarios,
  ...languageScenarios,
  ...insiderScenarios,
  ...poisonScenarios,
  ...driftScenarios,
]
