import type { AuditEvent } from '@talosprotocol/contracts';
import { isTrustError, verifyReceipt } from '@talosprotocol/protocol';
import type { Denial } from '@talosprotocol/sdk';
import { expect } from 'vitest';
import { crypto, type Operator, type World } from './world.js';

/** A receipt, as soon as a checkpoint covers it (AUD-15). */
export async function receiptOf({ audit }: Pick<Operator, 'audit'>, id: string) {
  const limit = Date.now() + 5_000;
  for (;;) {
    try {
      return await audit.receipt(id);
    } catch (error) {
      if (!isTrustError(error) || error.code !== 'UNAVAILABLE' || Date.now() > limit) throw error;
    }
  }
}

/** Fetches a receipt and verifies it as an auditor would; gives its event. */
export async function provenEvent(world: World, id: string): Promise<AuditEvent> {
  return verifyReceipt(await receiptOf(world, id), await world.trust(), crypto).event;
}

/** A refusal is whole: hint, request id, a record that `why` finds, and a receipt that proves it was refused so. */
export async function expectProvenDenial(world: World, denial: Denial): Promise<void> {
  expect(denial.hint).toEqual(expect.stringMatching(/\w{3}/));
  expect(denial.request_id).toMatch(/^req_/);
  const why = await world.kernel.why(denial.request_id!);
  expect(why.decision).toMatchObject({ effect: 'deny', code: denial.code, request: denial.request_id });
  if (denial.receipt !== undefined) expect(denial.receipt).toBe(why.receipt);
  expect(await provenEvent(world, why.receipt)).toEqual(why.decision);
}
