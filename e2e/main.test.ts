import { after, before, describe } from 'node:test'
import { installPrerequisites } from './prerequisites.ts'
import { assertFree, down, up } from './sandbox.ts'
import { hardening } from './subjects/hardening.ts'
import { helloWorld } from './subjects/hello-world.ts'
import { leaving } from './subjects/leaving.ts'
import { openPorts } from './subjects/open-ports.ts'
import { renewal } from './subjects/renewal.ts'
import { updates } from './subjects/updates.ts'
import { webFront } from './subjects/web-front.ts'
import { webSocket } from './subjects/websocket.ts'

// One sandbox serves every subject: standing it takes longer than most of them.
describe('a whole environment, as its clients see it', () => {
  let ours = false
  before(async () => {
    await assertFree()
    ours = true
    await installPrerequisites()
    await up()
  })
  after(() => ours && down())

  helloWorld()
  renewal(() => {
    webSocket()
    webFront()
    openPorts()
  })
  updates()
  hardening()
  leaving()
})
