import type { LookupAddress, lookup } from 'node:dns';
import { parseAddress } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { createOutwardLookup, isOutwardAddress, isOutwardHost, REFUSED_ADDRESS } from './outward-address.js';

const NOWHERE = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '224.0.0.1',
    '239.255.255.255',
  ],
  ...['255.255.255.255', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
  ...['::', 'fe80::1', 'fe80::a9fe:a9fe', 'febf::1', 'ff02::1', 'fd00:ec2::254', 'fd20:ce::254'],
  ...['fd00:ec2::23', 'fd00:c1::a9fe:a9fe', 'fd00:42::42', 'fd00:a9fe:a9fe::1', 'fd00:100::100:200'],
  ...['::ffff:0:169.254.169.254', '2001:0:a9fe:a9fe::1'],
  // What carries an IPv4 address.
  ...[
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::ffff:0.0.0.0',
    '::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
  ],
  ...['64:ff9b:1::a9fe:a9fe', '2002:a9fe:a9fe::1', '::ffff:224.0.0.1', '::ffff:100.100.100.200'],
];
const SOMEWHERE = [
  ...[
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fd00::1',
    '::ffff:127.0.0.1',
  ],
  ...['8.8.8.8', '2606:4700::1111', '64:ff9b::808:808', '198.18.0.1', '169.253.255.255', '169.255.0.0'],
];

const askFor = (addresses: readonly string[] | Error, all: boolean) => {
  const found = (list: readonly string[]): LookupAddress[] =>
    list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const resolve = (_: string, __: object, callback: (error: Error | null, list?: LookupAddress[]) => void) =>
    addresses instanceof Error ? callback(addresses) : callback(null, found(addresses));
  return new Promise<unknown>((done, fail) => {
    createOutwardLookup(resolve as typeof lookup)('models.example', { all }, (error, address, family) =>
      error === null ? done(all ? address : [address, family]) : fail(error),
    );
  });
};

// LLM-5
describe('an address that calls go out to', () => {
  it.each(NOWHERE)('is not %s', (text) => {
    const address = parseAddress(text);
    expect(address === undefined ? undefined : isOutwardAddress(address)).toBe(false);
    expect(isOutwardHost(new URL(`http://${text.includes(':') ? `[${text}]` : text}/`).hostname)).toBe(false);
  });

  it.each(SOMEWHERE)('may be %s', (text) => {
    expect(isOutwardAddress(parseAddress(text) ?? [])).toBe(true);
  });

  it.each([
    ...[
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '0xa9.254.43518',
      '169.254.169.254.',
      '169.254.43518',
    ],
    ...[
      '１６９.254.169.254',
      '[::ffff:169.254.169.254]',
      '[0:0:0:0:0:ffff:a9fe:a9fe]',
      '[FE80::1]',
      '0',
      '[::]',
    ],
    ...[
      'metadata.google.internal',
      'METADATA.GOOGLE.INTERNAL.',
      'metadata',
      'metadata.goog',
      'instance-data',
    ],
    ...['instance-data.ec2.internal'],
  ])('is not that of the host %s', (host) => {
    expect(isOutwardHost(new URL(`http://${host}/latest`).hostname)).toBe(false);
  });

  it.each(['api.openai.com', 'localhost', 'metadata.example', '2130706433', '[::1]'])(
    'is that of %s',
    (host) => {
      expect(isOutwardHost(new URL(`http://${host}/v1`).hostname)).toBe(true);
    },
  );

  it.each([true, false])('is looked at where a name leads to it (all of them: %s)', async (all) => {
    const refused = expect.objectContaining({ code: REFUSED_ADDRESS });
    await expect(askFor(['169.254.169.254'], all)).rejects.toEqual(refused);
    await expect(askFor(['8.8.8.8', '::ffff:169.254.169.254'], all)).rejects.toEqual(refused);
    await expect(askFor(['fe80::1%eth0'], all)).rejects.toEqual(refused);
    await expect(askFor([], all)).rejects.toEqual(refused);
    await expect(askFor(new Error('no such name'), all)).rejects.toThrow('no such name');
    const [one, two] = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    expect(await askFor([one.address, two.address], all)).toEqual(all ? [one, two] : ['127.0.0.1', 4]);
  });
});
