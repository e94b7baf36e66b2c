import { installPrerequisites } from '../../e2e/prerequisites.ts'
import { NotRun } from '../../tools/check/outcome.ts'
import { virtualEnvironment } from '../../tools/check/python.ts'
import { type BlindSpots, blindSpots } from './blind-spots.ts'
import { buildGo } from './go.ts'
import type { Start } from './program.ts'
import type { Version } from './protocol.ts'

const drivers = new URL('drivers/', import.meta.url).pathname

/** A client library by others, and the small program that carries scenarios out with it. */
export interface ClientUnderTest {
  readonly name: keyof typeof blindSpots
  readonly versions: readonly Version[]
  readonly blindSpots: BlindSpots
  /**
   * Installs what it needs.
   * @throws NotRun where that is impossible, with the remedy
   */
  prepare(): Promise<Start>
}

const node = (file: string): Start => ({ command: process.execPath, args: [`${drivers}${file}`] })

export const clients: readonly ClientUnderTest[] = [
  {
    name: 'mqtt.js',
    versions: [4, 5],
    blindSpots: blindSpots['mqtt.js'],
    prepare: async () => node('mqtt-js.ts'),
  },
  {
    name: 'paho-mqtt for Python',
    versions: [4, 5],
    blindSpots: blindSpots['paho-mqtt for Python'],
    prepare: async () => {
      const environment = await virtualEnvironment('clients', `${drivers}requirements.txt`)
      return { command: `${environment}/bin/python3`, args: ['-u', `${drivers}paho_mqtt.py`] }
    },
  },
  {
    name: 'paho.mqtt.golang',
    versions: [4],
    blindSpots: blindSpots['paho.mqtt.golang'],
    prepare: async () => ({ command: await buildGo(`${drivers}go`), args: [] }),
  },
  {
    name: 'paho.golang',
    versions: [5],
    blindSpots: blindSpots['paho.golang'],
    prepare: async () => ({ command: await buildGo(`${drivers}go`), args: [] }),
  },
  {
    name: 'Mosquitto',
    versions: [4, 5],
    blindSpots: blindSpots.Mosquitto,
    prepare: async () => {
      await installPrerequisites(['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr', 'stdbuf']).catch((error: Error) => {
        throw new NotRun(error.message, 'install mosquitto-clients')
      })
      return node('mosquitto.ts')
    },
  },
]
