import { runtime } from '@pulumi/pulumi'
import type { StackConfiguration } from './settings.ts'

/** What the engine hands to the program: the stack's configuration, and which keys of it are encrypted. */
export function readConfiguration(): StackConfiguration {
  return {
    values: runtime.allConfig(),
    // The SDK reads the same variable but tells nobody: https://github.com/pulumi/pulumi/blob/master/sdk/nodejs/runtime/config.ts
    secretKeys: new Set(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || '[]')),
    environment: process.env,
  }
}
