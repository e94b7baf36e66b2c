import type { Settings } from './settings.ts'

/** What a person should know who deploys with these settings, one sentence each with what to do. */
export function warnings({
  hostname,
  plainMqtt,
  acknowledge,
  image,
  serverType,
  architecture,
  protect,
}: Settings): string[] {
  const found: [boolean, string][] = [
    [
      plainMqtt,
      `Plain MQTT is open: what is sent to ${hostname}:1883, passwords too, can be read on the way. Switch it off when no device needs it: pulumi config set skerry:plainMqtt false`,
    ],
    [
      image.startsWith('ubuntu-'),
      `The image ${image} is not tested: what a new server is told fits it by its schema, but none has been booted. Debian has: pulumi config set skerry:image debian-13`,
    ],
    [
      architecture === 'arm',
      `ARM servers are not tested: none of the type ${serverType} has been booted. x86 has: pulumi config set skerry:serverType cx23`,
    ],
    [
      acknowledge === 'written',
      'Messages are acknowledged before they are on the disk: a power cut loses those of the last second. Wait for the disk: pulumi config set skerry:acknowledge synced',
    ],
    [
      !protect,
      'Nothing is protected: a "pulumi destroy" takes the addresses, the data and the certificate authority with it. Protect them: pulumi config set skerry:protect true',
    ],
  ]
  return found.filter(([holds]) => holds).map(([, sentence]) => sentence)
}
