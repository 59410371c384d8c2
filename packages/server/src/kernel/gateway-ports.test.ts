import { expectTypeOf, it } from 'vitest';
import type { AuditDraft } from '../audit/draft.js';
import type { CallLedger, CredentialAuthority } from '../gateway/admission/ports.js';
import type { DenialDraft, KernelDraft } from './ports.js';
import type { Kernel } from './service.js';

it('what the kernel offers is what its neighbours ask for', () => {
  expectTypeOf<Kernel['credentials']>().toExtend<CredentialAuthority>();
  expectTypeOf<Kernel['ledger']>().toExtend<CallLedger>();
  expectTypeOf<KernelDraft | DenialDraft>().toExtend<AuditDraft>();
});
