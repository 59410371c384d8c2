import { describe, expect, it } from 'vitest';
import { outwardUrl } from './outward-url.js';

const of = (address: string, insecure = false) => outwardUrl('providers.p.baseUrl', address, insecure);
const refused = expect.objectContaining({
  code: 'MALFORMED',
  message: expect.stringContaining('providers.p.baseUrl'),
});

// LLM-5, GRD-6
describe('an address of the policy', () => {
  it.each([
    ...['https://:pw@models.example/v1', 'https:///:pw@models.example/v1', 'https://user@models.example/v1'],
    ...[
      'https://models.example/v1?key=1',
      'https://models.example/v1#a',
      'ftp://models.example/v1',
      'models',
    ],
    ...['https://169.254.169.254/v1', 'http://2852039166/v1', 'http://[::ffff:169.254.169.254]/v1'],
    ...[
      'https://metadata.google.internal/v1',
      'http://0.0.0.0/v1',
      'http://[fe80::1]/v1',
      'http://[ff02::1]/v1',
    ],
  ])('is not %s, whatever else the operator says', (address) => {
    expect(() => of(address, true)).toThrow(refused);
  });

  it.each([
    ...[
      'https://models.example/v1',
      'http://127.0.0.1:11434/v1',
      'http://localhost:8000/v1',
      'http://[::1]/v1',
    ],
    ...['https://10.0.0.1/v1', 'https://192.168.1.1/v1'],
  ])('may be %s', (address) => {
    expect(of(address)).toBe(address);
  });

  it('is http to another host only where the operator says that the network is theirs', () => {
    expect(() => of('http://10.0.0.1/v1')).toThrow(refused);
    expect(of('http://10.0.0.1/v1', true)).toBe('http://10.0.0.1/v1');
  });
});
