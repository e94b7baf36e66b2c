import fc from 'fast-check'
import { History } from '../model/history.ts'
import { casts, steps } from '../model/steps.ts'
import { statement } from '../suite.ts'

/** Histories for each version; `SKERRY_HISTORIES=500` looks longer. */
const RUNS = Number(process.env.SKERRY_HISTORIES ?? 15)
/** For looking for a shorter history where one has failed, too. */
const LIMIT = 60_000 + RUNS * 10_000

const shown = {
  4: ['MQTT-3.1.2-5', 'MQTT-3.3.1-9', 'MQTT-3.8.4-6', 'MQTT-4.3.3-2', 'MQTT-4.4.0-1', 'MQTT-4.5.0-1', 'MQTT-4.6.0-6'],
  5: ['MQTT-3.1.2-5', 'MQTT-3.3.1-13', 'MQTT-3.8.4-8', 'MQTT-4.3.3-10', 'MQTT-4.4.0-1', 'MQTT-4.5.0-1', 'MQTT-4.6.0-5'],
}

statement(shown, 'does in random histories what a simple model does', async ({ topic, version, open }) => {
  let run = 0
  const history = fc.asyncProperty(casts(version), steps, async (cast, all) => {
    await new History(`${topic}${++run}`, cast, (spoken) => open('admin', spoken)).run(all)
  })
  // Where it fails, it tells the seed and the path; both can be given here to see the same again.
  await fc.assert(history, { numRuns: RUNS, interruptAfterTimeLimit: LIMIT })
})
