import { expect, test } from 'vitest'
import { ToldName } from './told-name.ts'

test('a name that is asked for again is that of the model that is asked about, whichever was asked about before', () => {
  const drifted = new ToldName('drifted')
  const landmarks = new ToldName('features landmarks')
  const asked = ['a', 'a', 'b', 'a', '', 'b', 'b'].map((model) => [drifted.of(model), landmarks.of(model)])
  expect(asked).toEqual(
    ['a', 'a', 'b', 'a', '', 'b', 'b'].map((model) => [`${model} drifted`, `${model} features landmarks`]),
  )
})
