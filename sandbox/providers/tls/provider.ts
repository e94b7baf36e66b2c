import type { Provider } from '../provider.ts'
import { certRequest, locallySignedCert, selfSignedCert } from './certificates.ts'
import { privateKey } from './private-key.ts'

export const tlsProvider: Provider<undefined> = {
  name: 'tls',
  version: '5.6.1',
  configure: () => undefined,
  resources: {
    'tls:index/privateKey:PrivateKey': privateKey,
    'tls:index/selfSignedCert:SelfSignedCert': selfSignedCert,
    'tls:index/certRequest:CertRequest': certRequest,
    'tls:index/locallySignedCert:LocallySignedCert': locallySignedCert,
  },
}
