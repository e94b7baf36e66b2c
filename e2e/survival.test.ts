import { after, before, describe } from 'node:test'
import { type Checkout, checkoutWith } from './checkout.ts'
import { installPrerequisites } from './prerequisites.ts'
import { assertFree, down, up } from './sandbox.ts'
import { changeSetting, pulumiUp } from './stack.ts'
import { hardening } from './subjects/hardening.ts'
import { helloWorld } from './subjects/hello-world.ts'
import { openPorts } from './subjects/open-ports.ts'
import { renewal } from './subjects/renewal.ts'
import { webFront } from './subjects/web-front.ts'
import { webSocket } from './subjects/websocket.ts'
import { argumentsDuring } from './survival/arguments.ts'
import { authorities } from './survival/authorities.ts'
import { badDays, switchedOff } from './survival/bad-days.ts'
import { canaries } from './survival/canaries.ts'
import { changedWorld } from './survival/changed-world.ts'
import { end } from './survival/end.ts'
import { generation } from './survival/generation.ts'
import { hello } from './survival/hello.ts'
import { keys } from './survival/keys.ts'
import { killed } from './survival/killed.ts'
import { lateCertificate, lateDns } from './survival/late-certificate.ts'
import { refused } from './survival/refusals.ts'
import { settings } from './survival/settings.ts'
import { timeouts } from './survival/timeouts.ts'
import { volume } from './survival/volume.ts'
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
    begun = await checkoutWith({ 'skerry:image': 'debian-12' })
    const { path } = begun
    commandLines = await argumentsDuring(() => up({ checkout: path }))
    // Set by hand, so that it stays when the sandbox is brought to what this tree says.
    await changeSetting('skerry:protect', 'true')
    await pulumiUp()
  })
  after(async () => {
    if (ours) await down()
    await begun?.[Symbol.asyncDispose]()
  })

  hello('debian-12')
  canaries(() => commandLines)
  lateDns()
  // Those wait for the engine, and these for the server.
  describe('at the same time', { concurrency: true }, () => {
    describe('what an up says', { concurrency: false }, () => {
      settings(() => String(begun?.path))
      refused()
      timeouts()
    })
    describe('what a server goes through', { concurrency: false }, () => {
      lateCertificate()
      helloWorld()
      renewal(() => {
        webSocket()
        webFront()
        openPorts()
      })
      hardening()
      badDays()
    })
  })
  switchedOff()
  generation()
  hello('debian-13')
  volume()
  wire()
  changedWorld()
  killed()
  authorities()
  keys()
  end()
})
