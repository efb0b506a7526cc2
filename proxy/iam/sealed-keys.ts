/** Secret keys as they are kept: sealed with a key of the cluster's root secrets, for their access key alone. */
import { StoreError } from '#common';
import { seal, unseal, type RootSecrets } from '#proxy/core';

const PURPOSE = 'secret keys of identities';
/** Where the cluster has no secrets of its own. */
const PLAIN = '-';

export class SealedKeys {
  readonly #roots: RootSecrets | undefined;

  constructor(roots: RootSecrets | undefined) {
    this.#roots = roots;
  }

  seal(secret: string, accessKey: string): string {
    const text = Buffer.from(secret);
    if (this.#roots === undefined) return `${PLAIN} ${text.toString('base64')}`;
    const { active } = this.#roots;
    return `${encodeURIComponent(active)} ${seal(this.#roots.derive(active, PURPOSE), text, accessKey).toString('base64')}`;
  }

  /** Throws `unavailable` where the root secret is missing, or another. */
  open(sealed: string, accessKey: string): string {
    const [id = '', text = ''] = sealed.split(' ');
    const bytes = Buffer.from(text, 'base64');
    if (id === PLAIN) return bytes.toString();
    const secret = this.#roots === undefined ? undefined : unseal(this.#roots.derive(decodeURIComponent(id), PURPOSE), bytes, accessKey);
    if (secret === undefined) throw new StoreError('unavailable', `a secret key that was sealed with the root secret ${JSON.stringify(id)} cannot be opened`);
    return secret.toString();
  }
}
