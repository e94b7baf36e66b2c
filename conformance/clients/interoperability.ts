import { startBroker } from './brokers.ts'
import type { ClientUnderTest } from './clients.ts'
import { Program, type Start } from './program.ts'
import type { Version } from './protocol.ts'
import type { Scenario } from './scenario.ts'
import { playAll } from './suite.ts'
import type { Column } from './table.ts'

/** How a column is called: `mqtt.js 3.1.1`. */
export function titleOf({ name }: Pick<ClientUnderTest, 'name'>, version: Version): string {
  return `${name} ${version === 5 ? '5' : '3.1.1'}`
}

/** Carries scenarios out with one client and one version of MQTT, against a broker of its own. */
export async function play(
  client: ClientUnderTest,
  version: Version,
  start: Start,
  scenarios: readonly Scenario[],
): Promise<Column> {
  const { way, cleanup } = await startBroker()
  const program = new Program(start)
  try {
    return {
      title: titleOf(client, version),
      outcomes: await playAll(scenarios, version, way, program, client.blindSpots),
    }
  } finally {
    await program.stop()
    await cleanup()
  }
}
