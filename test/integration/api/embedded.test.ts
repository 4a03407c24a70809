/** The HTTP API over the embedded bus and index. */
import { startApi } from '../../support/api.ts'
import { tellsNothingOfOthers } from './tenants.ts'

tellsNothingOfOthers(startApi)
