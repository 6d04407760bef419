import { BlobSASPermissions, type BlockBlobClient, type UserDelegationKey } from '@azure/storage-blob';
import type { AzureStore } from './azure-client.ts';
import { requestDeadlineMs } from './deadlines.ts';
import { locatedSeconds } from './object-store.ts';

const dayMs = 24 * 3_600_000;
/** The longest that Azure lends a key for. */
const delegationMs = 7 * dayMs - 600_000;
/** What is signed, and in which order: not the newest, which stores of sovereign clouds, Azure Stack and Azurite do not know. */
const signedVersion = '2020-12-06';

/** Makes addresses that let whoever has them read one blob for `locatedSeconds`. */
export function openSigner({ service, signing }: AzureStore): (blob: BlockBlobClient) => Promise<string> {
  let key: Promise<UserDelegationKey> | undefined;
  let keyUntilMs = 0;
  /** Asked for again about once a day, when it ends before an address made now. */
  const delegationKey = (nowMs: number, untilMs: number): Promise<UserDelegationKey> => {
    if (key && keyUntilMs >= untilMs) return key;
    keyUntilMs = nowMs + delegationMs;
    const asked = service.getUserDelegationKey(new Date(nowMs - 300_000), new Date(keyUntilMs), {
      abortSignal: AbortSignal.timeout(requestDeadlineMs()),
    });
    asked.catch(() => (key = undefined));
    return (key = asked);
  };
  return async (blob) => {
    if (signing === 'given') return blob.url;
    const nowMs = Date.now();
    const expiresOn = new Date(nowMs + locatedSeconds * 1000);
    const options = { permissions: BlobSASPermissions.parse('r'), expiresOn, version: signedVersion };
    return signing === 'account-key'
      ? blob.generateSasUrl(options)
      : blob.generateUserDelegationSasUrl(options, await delegationKey(nowMs, expiresOn.getTime()));
  };
}
