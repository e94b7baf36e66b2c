import type { ReleaseSettings } from './settings.ts'

export const exampleSettings: ReleaseSettings = {
  hostname: 'mqtt.example.com',
  acmeDirectory: 'https://acme.example.com/directory',
  acmeEmail: 'operator@example.com',
  plainMqtt: true,
  acknowledge: 'synced',
  administrators: ['admin'],
  architecture: 'x86',
}
