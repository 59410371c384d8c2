import { expect, it } from 'vitest';
import { networkOf } from './client-address.js';
import { createShares } from './shares.js';

it('limits count an IPv6 network as one, and an IPv4 address for itself', () => {
  expect(networkOf('2001:db8:1:2::1')).toBe(networkOf('2001:db8:1:2:ffff:ffff:ffff:ffff'));
  expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
  expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
  expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(networkOf('unknown')).toBe('unknown');
  expect(networkOf('fe80::1%eth0')).toBe('fe80::1%eth0');
});

it('a host with many addresses holds no more slots than one', () => {
  const shares = createShares({ all: 4, perAddress: 2 });
  expect(['2001:db8::1', '2001:db8::2', '2001:db8::3'].map(shares.take)).toEqual([true, true, false]);
  shares.give('2001:db8::9');
  expect(shares.take('2001:db8::4')).toBe(true);
  expect(shares.take('2001:db8:1::1')).toBe(true);
});
