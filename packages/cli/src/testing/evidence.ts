import {
  createCosigner,
  createNoteSigner,
  createReceipt,
  createSigner,
  createTreeHasher,
  eventBytes,
  formatNote,
  formatVerifierKey,
  parseEvent,
  parseNote,
  type Signer,
  signBundle,
  signCheckpoint,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';

const crypto = createNodeCrypto();
const ORIGIN = 'talos.test/1/default';
const signerOf = (byte: number): Signer => createSigner(new Uint8Array(32).fill(byte), crypto);

const cosignerOf = (at: number) => {
  const { publicKey, sign } = signerOf(100 + at);
  return createCosigner(crypto.sha256, { name: `w${at}.example`, publicKey, sign });
};

/** Which of three witnesses cosigned, when, and how many the trust file demands. */
interface Witnesses {
  readonly by: readonly (1 | 2 | 3)[];
  readonly time: number;
  readonly quorum: number;
}

/** A log of one event, as a bundle and as a receipt, and the trust file that fits; `keys` makes another log of it. */
export function makeEvidence(
  keys = 1,
  witnesses?: Witnesses,
): { bundle: Uint8Array; receipt: string; trust: string } {
  const [log, exporter, gateway] = [signerOf(keys), signerOf(keys + 1), signerOf(keys + 2)];
  const event = parseEvent({
    v: 1,
    id: 'evt_01890a5d-ac96-774b-bcce-b302099a8057',
    time: '2026-11-23T12:00:00.000Z',
    type: 'log.opened',
    origin: ORIGIN,
    tenant: 'default',
    emitter: gateway.did,
    eseq: 1,
    prev: null,
    principal: null,
    boot: 1,
    policy: 'ab'.repeat(32),
    size: 0,
  });
  const root = createTreeHasher(crypto.sha256).leaf(eventBytes(event));
  const { publicKey } = log;
  const signer = createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey, sign: log.sign });
  const signed = signCheckpoint({ origin: ORIGIN, size: 1, root, extensions: [] }, [signer]);
  const checkpoint = cosign(signed, witnesses);
  const entries = [{ index: 0, event, disclosures: [], proof: [] }];
  const content = { format: 'talos-bundle-v1' as const, checkpoint, range: { from: 0, to: 1 }, entries };
  return {
    bundle: signBundle(content, 1_795_000_000, exporter, crypto),
    receipt: JSON.stringify(createReceipt(event, [], { index: 0, proof: [], checkpoint })),
    trust: JSON.stringify({
      format: 'talos-trust-v1',
      logs: [
        {
          origin: ORIGIN,
          vkey: formatVerifierKey(crypto.sha256, ORIGIN, publicKey),
          ...(witnesses === undefined
            ? {}
            : { witnesses: [1, 2, 3].map((at) => cosignerOf(at).vkey), quorum: witnesses.quorum }),
        },
      ],
      exporters: [exporter.did],
      emitters: [gateway.did],
      anchors: [],
    }),
  };
}

function cosign(note: string, { by, time }: Pick<Witnesses, 'by' | 'time'> = { by: [], time: 0 }): string {
  const { text, signatures } = parseNote(note);
  return formatNote({
    text,
    signatures: [...signatures, ...by.map((at) => cosignerOf(at).cosign(text, time))],
  });
}
