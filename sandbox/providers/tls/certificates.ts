import type { Resource } from '../provider.ts'
import { requiredText } from '../values.ts'
import {
  certificateDefaults,
  certificateInputs,
  certificateOutputs,
  checkCertificate,
  isReadyForRenewal,
  issueCertificate,
} from './certificate.ts'
import { signingKey } from './keys.ts'
import { alternativeNames, distinguishedName } from './names.ts'
import {
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from './x509.ts'

const subjectInputs = ['subject', 'dnsNames', 'ipAddresses', 'uris', 'privateKeyPem']
/** An early renewal that is set anew is no reason for a new certificate, only its coming is. */
const lasting = (inputs: readonly string[]) => inputs.filter((name) => name !== 'earlyRenewalHours')
const expired: Resource<undefined>['expired'] = (outputs, inputs) =>
  isReadyForRenewal(outputs, inputs) ? ['readyForRenewal'] : []

/** What a refresh sees: nothing but the clock can change a certificate. */
const read: Resource<undefined>['read'] = async (id, inputs, outputs) => ({
  id,
  outputs: { ...outputs, readyForRenewal: isReadyForRenewal(outputs, inputs) },
})

const selfSignedInputs = [...certificateInputs, ...subjectInputs, 'setAuthorityKeyId']

export const selfSignedCert: Resource<undefined> = {
  inputs: selfSignedInputs,
  forceNew: lasting(selfSignedInputs),
  computed: [...certificateOutputs, 'keyAlgorithm'],
  secretOutputs: ['privateKeyPem'],
  defaults: { ...certificateDefaults, setAuthorityKeyId: false },
  check: checkCertificate,
  expired,
  read,
  async create({ __defaults, ...inputs }) {
    const key = signingKey(requiredText(inputs, 'privateKeyPem'), 'privateKeyPem')
    const subject = distinguishedName(inputs.subject)
    const { id, outputs } = await issueCertificate(inputs, {
      subject,
      publicKey: await PublicKey.create(key.publicKey),
      issuer: { name: subject, key },
      alternativeNames: alternativeNames(inputs, subject.toJSON().length === 0),
      nameAuthority: inputs.setAuthorityKeyId === true,
    })
    return { id, outputs: { ...outputs, keyAlgorithm: key.algorithm } }
  },
}

export const certRequest: Resource<undefined> = {
  inputs: subjectInputs,
  forceNew: subjectInputs,
  computed: ['certRequestPem', 'keyAlgorithm'],
  secretOutputs: ['privateKeyPem'],
  async create(inputs) {
    const key = signingKey(requiredText(inputs, 'privateKeyPem'), 'privateKeyPem')
    const name = distinguishedName(inputs.subject)
    const extension = alternativeNames(inputs, name.toJSON().length === 0)
    const request = await Pkcs10CertificateRequestGenerator.create({
      name,
      keys: { privateKey: key.privateKey, publicKey: key.publicKey },
      signingAlgorithm: key.signingAlgorithm,
      extensions: extension ? [extension] : [],
    })
    const certRequestPem = `${request.toString('pem')}\n`
    const id = Buffer.from(await request.publicKey.getThumbprint()).toString('hex')
    return { id, outputs: { ...inputs, certRequestPem, keyAlgorithm: key.algorithm } }
  },
}

const locallySignedInputs = [...certificateInputs, 'caCertPem', 'caPrivateKeyPem', 'certRequestPem']

export const locallySignedCert: Resource<undefined> = {
  inputs: locallySignedInputs,
  forceNew: lasting(locallySignedInputs),
  computed: [...certificateOutputs, 'caKeyAlgorithm'],
  secretOutputs: ['caPrivateKeyPem'],
  defaults: certificateDefaults,
  check: checkCertificate,
  expired,
  read,
  async create({ __defaults, ...inputs }) {
    const key = signingKey(requiredText(inputs, 'caPrivateKeyPem'), 'caPrivateKeyPem')
    const authority = new X509Certificate(requiredText(inputs, 'caCertPem'))
    if (
      !Buffer.from(authority.publicKey.rawData).equals(Buffer.from((await PublicKey.create(key.publicKey)).rawData))
    ) {
      throw new Error('The key in "caPrivateKeyPem" does not belong to the certificate in "caCertPem"')
    }
    const request = new Pkcs10CertificateRequest(requiredText(inputs, 'certRequestPem'))
    if (!(await request.verify())) throw new Error('The property "certRequestPem" is not signed by its own key')
    const { id, outputs } = await issueCertificate(inputs, {
      subject: request.subjectName,
      publicKey: request.publicKey,
      issuer: {
        name: authority.subjectName,
        key,
        subjectKeyId: authority.getExtension(SubjectKeyIdentifierExtension)?.keyId,
      },
      alternativeNames: request.extensions.find((extension) => extension instanceof SubjectAlternativeNameExtension),
      nameAuthority: false,
    })
    return { id, outputs: { ...outputs, caKeyAlgorithm: key.algorithm } }
  },
}
