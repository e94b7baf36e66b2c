import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { workTree } from './fixture.ts'
import { NotRun, type Outcome } from './outcome.ts'
import { checkCloudInit, checkFirewall, checkGixy, checkNginx, checkUnits } from './server.ts'

type Files = Readonly<Record<string, string>>

async function finds(t: TestContext, check: (rendered: string) => Promise<Outcome>, files: Files): Promise<string> {
  const outcome = await check(await workTree(t, files))
  assert.equal(outcome.kind, 'failed')
  return outcome.kind === 'failed' ? outcome.output : ''
}

async function accepts(t: TestContext, check: (rendered: string) => Promise<Outcome>, files: Files): Promise<void> {
  assert.deepEqual(await check(await workTree(t, files)), { kind: 'passed' })
}

const site = `server {
  listen 443 ssl;
  server_name check.example;
  ssl_certificate /etc/skerry/web/fullchain.pem;
  ssl_certificate_key /etc/skerry/web/privkey.pem;
  location / { return 301 https://check.example$request_uri; }
}\n`
const web = {
  'release/nginx/nginx.conf': 'events {}\nhttp { server_tokens off; include /etc/nginx/skerry.conf; }\n',
  'release/nginx/skerry.conf': site,
}

// They need a server's root: Linux, as root.
const needsRoot = { skip: process.platform !== 'linux' || process.getuid?.() !== 0 }

test('nginx: an unknown directive and a mere warning fail', needsRoot, async (t) => {
  await accepts(t, checkNginx, web)
  const unknown = { ...web, 'release/nginx/skerry.conf': site.replace('server_name', 'server_nom') }
  assert.match(await finds(t, checkNginx, unknown), /unknown directive "server_nom" in \/etc\/nginx\/skerry\.conf:3/)
  const twice = { ...web, 'release/nginx/skerry.conf': site + site }
  assert.match(await finds(t, checkNginx, twice), /conflicting server name/)
})

test('gixy: a redirect to what the client named fails, in a file that nginx.conf includes', async (t) => {
  const plain = (uri: string) => ({
    'release/nginx/nginx.conf': web['release/nginx/nginx.conf'],
    'release/nginx/skerry.conf': `server {\n listen 80;\n location / { return 301 https://check.example${uri}; }\n}\n`,
  })
  await accepts(t, checkGixy, plain('$request_uri'))
  assert.match(await finds(t, checkGixy, plain('$uri')), /http_splitting/)
})

test('units: a missing program and an unknown key fail', needsRoot, async (t) => {
  const unit = (lines: string) => ({
    'release/systemd/a.service': `[Service]\n${lines}\n`,
    'release/drop-ins/nginx.service.conf': '[Unit]\nAfter=network.target\n',
    'release/mounts/mnt-VOLUME_ID.mount': '[Mount]\nWhat=/dev/vda\nWhere=/mnt/VOLUME_ID\n',
  })
  await accepts(t, checkUnits, unit('ExecStart=/opt/skerry/runtime/bin/node'))
  assert.match(await finds(t, checkUnits, unit('ExecStart=/opt/nothing')), /\/opt\/nothing/)
  assert.match(
    await finds(t, checkUnits, unit('ExecStart=/bin/true\nNoNewPrivilege=yes')),
    /Unknown key.*NoNewPrivilege/,
  )
})

test('firewall: a syntax error fails in what cloud-init writes and in the release', needsRoot, async (t) => {
  const table = (policy: string) =>
    `table inet x {\n chain in {\n type filter hook input priority 0; policy ${policy};\n }\n}\n`
  const files = {
    'written/etc/nftables.conf': 'flush ruleset\ninclude "/etc/nftables.d/*.nft"\n',
    'written/etc/nftables.d/first.nft': table('drop'),
    'release/nftables.conf': 'flush ruleset\ninclude "/etc/nftables.d/*.nft"\n',
    'release/nftables/skerry.nft': table('drop').replace(' x ', ' y '),
  }
  await accepts(t, checkFirewall, files)
  assert.match(
    await finds(t, checkFirewall, { ...files, 'written/etc/nftables.d/first.nft': table('dorp') }),
    /first\.nft:3/,
  )
  assert.match(
    await finds(t, checkFirewall, { ...files, 'release/nftables/skerry.nft': table('dorp') }),
    /skerry\.nft:3/,
  )
})

test('cloud-init: a key of the wrong type and a broken file it writes fail', needsRoot, async (t) => {
  const files = {
    'user-data': '#cloud-config\npackages: [nginx]\n',
    'written/etc/sudoers.d/x': 'deploy ALL=(root) /bin/true\n',
  }
  await accepts(t, checkCloudInit, files)
  assert.match(await finds(t, checkCloudInit, { ...files, 'user-data': '#cloud-config\npackages: 3\n' }), /packages/)
  assert.match(
    await finds(t, checkCloudInit, { ...files, 'written/etc/sudoers.d/x': 'deploy ALL=(root\n' }),
    /sudoers\.d\/x/,
  )
  assert.match(
    await finds(t, checkCloudInit, { ...files, 'written/etc/ssh/sshd_config.d/1.conf': 'PermitRootLogni no\n' }),
    /PermitRootLogni/,
  )
})

test('without root they say what they need, and do not pass', { skip: process.platform !== 'linux' }, async (t) => {
  const getuid = process.getuid ?? (() => 0)
  t.after(() => {
    process.getuid = getuid
  })
  process.getuid = () => 1000
  for (const check of [checkNginx, checkUnits, checkFirewall, checkCloudInit]) {
    await assert.rejects(check('/nowhere'), (error) => error instanceof NotRun && /root/.test(error.message))
  }
})
