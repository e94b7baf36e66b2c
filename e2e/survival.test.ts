import { after, before, describe } from 'node:test'
import { type Checkout, checkoutWith } from './checkout.ts'
import { installPrerequisites } from './prerequisites.ts'
import { assertFree, down, up } from './sandbox.ts'
import { argumentsDuring } from './survival/arguments.ts'
import { badDays } from './survival/bad-days.ts'
import { canaries } from './survival/canaries.ts'
import { changedWorld } from './survival/changed-world.ts'
import { end } from './survival/end.ts'
import { generation } from './survival/generation.ts'
import { hello } from './survival/hello.ts'
import { killed } from './survival/killed.ts'
import { refused } from './survival/refusals.ts'
import { settings } from './survival/settings.ts'
import { wire } from './survival/wire.ts'

// One sandbox, begun on the older of the two systems, lives through everything that can happen to a stack.
describe('a stack that lasts', () => {
  let ours = false
  let begun: Checkout | undefined
  let commandLines: ReadonlySet<string> = new Set()
  before(async () => {
    await assertFree()
    ours = true
    await installPrerequisites()
    // Kept to the end: the cloud that it starts is part of it.
    begun = await checkoutWith({ 'skerry:image': 'debian-12', 'skerry:protect': 'true' })
    const { path } = begun
    commandLines = await argumentsDuring(() => up({ checkout: path }))
  })
  after(async () => {
    if (ours) await down()
    await begun?.[Symbol.asyncDispose]()
  })

  hello('debian-12')
  canaries(() => commandLines)
  settings(() => String(begun?.path))
  badDays()
  refused()
  generation()
  hello('debian-13')
  wire()
  changedWorld()
  killed()
  end()
})
