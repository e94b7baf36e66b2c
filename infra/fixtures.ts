import type { BuiltRelease } from '../release/build.ts'
import type { Settings } from './settings.ts'

/** Settings of an environment that nothing is wrong with. */
export const settings: Settings = {
  hostname: 'mqtt.example.com',
  cloudflareZoneId: '0123456789abcdef0123456789abcdef',
  location: 'hel1',
  serverType: 'cx23',
  image: 'debian-13',
  volumeSize: 10,
  sshNetworks: ['203.0.113.7/32', '2001:db8:5::/48'],
  acmeEmail: 'operator@example.com',
  acmeDirectory: 'https://acme-v02.api.letsencrypt.org/directory',
  caaIssuer: 'letsencrypt.org',
  plainMqtt: true,
  acknowledge: 'synced',
  users: { gateway: `$scrypt$ln=15,r=8,p=1$${'s'.repeat(22)}$${'h'.repeat(43)}` },
  generation: 1,
  authorities: [1],
  protect: true,
  architecture: 'x86',
}

/** Two archives that need not exist: nothing reads them before an engine does. */
export const built: BuiltRelease = {
  release: { hash: 'a'.repeat(64), path: `/dist/release-${'a'.repeat(64)}.tar.gz` },
  runtime: { hash: 'b'.repeat(64), path: `/dist/runtime-${'b'.repeat(64)}.tar.gz`, version: '24.0.0' },
}
