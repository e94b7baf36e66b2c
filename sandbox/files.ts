import { join } from 'node:path'
import type { Instance } from './instance.ts'

/** The files of one sandbox that its commands share. */
export function sandboxFiles(instance: Instance) {
  const file = (...parts: string[]) => join(instance.directory, ...parts)
  return {
    /** Held while a command changes the sandbox. */
    lock: `${instance.directory}.lock`,
    /** What `up` found at its end; absent until the first one ended well. */
    summary: file('summary.json'),
    cloudLog: file('log', 'cloud.log'),
    pulumiLog: file('log', 'pulumi.log'),
    cloudState: file('cloud.json'),
    project: file('project'),
    passphrase: file('passphrase'),
    ca: file('credentials', 'ca.crt'),
    adminCertificate: file('credentials', 'admin.crt'),
    adminKey: file('credentials', 'admin.key'),
    deployKey: file('credentials', 'deploy.key'),
    knownHosts: file('credentials', 'known_hosts'),
    tryPassword: file('credentials', 'try.password'),
    acmeRoot: file('credentials', 'acme-root.crt'),
  }
}
