import type { Version } from './statements.ts'

const noEnhancedAuthentication =
  'The broker knows no authentication method: it refuses each (MQTT-4.12.0-1) and so sends no AUTH.'

/** Why there is no test for a statement that a server can break: reviewed, a sentence each. */
export const reasons: Readonly<Record<Version, Readonly<Record<string, string>>>> = {
  '3.1.1': {
    'MQTT-3.8.3-2': 'The broker supports wildcards; that they mean what they must is shown by MQTT-4.7.1-2 and -3.',
  },
  '5.0': {
    'MQTT-3.15.2-2': noEnhancedAuthentication,
    'MQTT-3.15.2-3': noEnhancedAuthentication,
    'MQTT-4.12.0-2': noEnhancedAuthentication,
    'MQTT-4.12.0-4': noEnhancedAuthentication,
    'MQTT-4.12.0-5': noEnhancedAuthentication,
  },
}
