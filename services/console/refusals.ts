/** What the index refuses because of the question is the asker's mistake, not ours. */
import { IndexRefusedError } from '../../core/errors.ts'
import { HttpError } from '../../runtime/http/http-error.ts'

export async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof IndexRefusedError) throw new HttpError(400, 'QUERY_INVALID', error.message, { cause: error })
    throw error
  }
}
