import type { Grant, Op } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNodeCrypto } from '../node/index.js';
import { createActions } from './actions.js';
import { authorize } from './authorize.js';
import { createAuthorizer, decideItems } from './authorizer.js';
import { type CompiledGrant, compileGrant } from './grant.js';
import { issueCapability } from './issue.js';
import { type CheckedItem, parseItems } from './items.js';
import { compileProgram, FAST_ALLOW, FAST_DENY, FAST_UNDECIDED } from './program.js';
import { createWorld, NOW } from './testing/world.js';
import type { VerifiedCapability } from './verified.js';
import { verifyCapabilityAsOf } from './verify.js';

const world = createWorld(createNodeCrypto());
const { crypto, gateway, organisation, agent, deps } = world;

const grant = (scope: string, ...ops: Op[]): Grant => ({ scope, ops: ops.length === 0 ? ['read'] : ops });
const item = (scope: string, op: Op = 'read'): CheckedItem => parseItems([{ scope, op }])[0]!;
const METHOD = 'tool:fs/method:get';
const at = (path: string): CheckedItem => item(`${METHOD}/resource:${path}`);

function programOf(...links: Grant[][]) {
  const actions = createActions(100);
  const compiled = links.map((grants): CompiledGrant[] => grants.map((one) => compileGrant(one, crypto)));
  const program = compileProgram(compiled, actions);
  return { program, actions, decide: (one: CheckedItem) => program.decide(actions.intern(one), one.scope) };
}

function capabilityOf(
  grants: Grant[],
  anchorGrants: Grant[] = [grant('tool:*', 'read', 'write')],
): VerifiedCapability {
  const chain = issueCapability(
    { sub: agent.did, aud: [gateway.did], exp: NOW + 60, grants },
    organisation,
    deps,
  );
  return verifyCapabilityAsOf(chain, { time: NOW, anchors: world.anchors({ grants: anchorGrants }), crypto });
}

describe('a program', () => {
  it('allows an action that every link allows whatever the arguments are', () => {
    const { decide } = programOf([grant('tool:*', 'read', 'write')], [grant('tool:fs/method:g*')]);
    expect(decide(item(METHOD))).toBe(FAST_ALLOW);
    expect(decide(at('/a/b'))).toBe(FAST_ALLOW);
    expect(decide(at('/a/b'))).toBe(FAST_ALLOW);
  });

  it('denies what no grant of some link covers', () => {
    const { decide } = programOf(
      [grant('tool:*', 'read', 'write')],
      [grant('tool:db'), grant('tool:fs', 'write')],
    );
    expect(decide(item(METHOD))).toBe(FAST_DENY);
    expect(decide(item(METHOD, 'write'))).toBe(FAST_ALLOW);
    expect(decide(item('tool:db/method:get'))).toBe(FAST_ALLOW);
    expect(decide(item('admin:x/action:y'))).toBe(FAST_DENY);
    expect(programOf([grant('llm:*/model:a/feature:b'), grant('admin:x')]).decide(item(METHOD))).toBe(
      FAST_DENY,
    );
    expect(programOf([grant('llm:*')]).decide(item('llm:a/model:b'))).toBe(FAST_ALLOW);
  });

  it('intersects the paths of all links', () => {
    const { decide } = programOf(
      [grant('tool:*')],
      [grant('tool:fs/method:*/resource:/a'), grant('tool:fs/method:get/resource:/b/c')],
      [grant('tool:fs/method:get/resource:/a/x'), grant('tool:fs/method:get/resource:/b')],
    );
    const answers = ['/a', '/a/x', '/a/x/y', '/a/xy', '/b', '/b/c', '/b/cd', '/'].map((path) =>
      decide(at(path)),
    );
    expect(answers).toEqual([
      FAST_DENY,
      FAST_ALLOW,
      FAST_ALLOW,
      FAST_DENY,
      FAST_DENY,
      FAST_ALLOW,
      FAST_DENY,
      FAST_DENY,
    ]);
    expect(decide(item(METHOD))).toBe(FAST_DENY);
    expect(programOf([grant('tool:fs/method:get/resource:/')]).decide(at('/x'))).toBe(FAST_ALLOW);
  });

  it('leaves to the full path what depends on arguments', () => {
    const limited: Grant = { ...grant('tool:fs'), where: [{ ptr: '/a', op: 'exists', value: true }] };
    const { decide } = programOf(
      [limited, grant('tool:fs/method:get/resource:/free')],
      [grant('tool:fs/method:get')],
    );
    expect(decide(at('/free/x'))).toBe(FAST_ALLOW);
    expect(decide(at('/other'))).toBe(FAST_UNDECIDED);
    expect(decide(item(METHOD))).toBe(FAST_UNDECIDED);
    const below = programOf([{ ...limited, scope: `${METHOD}/resource:/a` }]).decide;
    expect([below(at('/a/b')), below(at('/b')), below(item(METHOD))]).toEqual([
      FAST_UNDECIDED,
      FAST_DENY,
      FAST_DENY,
    ]);
  });

  it('leaves more paths than it compares to the full path', () => {
    const many = (prefix: string) =>
      Array.from({ length: 64 }, (_, n) => grant(`${METHOD}/resource:/${prefix}${n}`));
    const exploded = programOf([...many('a'), grant(`${METHOD}/resource:/x`)]).decide;
    expect([exploded(at('/x')), exploded(at('/y')), exploded(item(METHOD))]).toEqual([
      FAST_UNDECIDED,
      FAST_UNDECIDED,
      FAST_UNDECIDED,
    ]);
    expect(programOf(many('a')).decide(at('/a63/b'))).toBe(FAST_ALLOW);
  });

  it('never answers for an action without a number, or for the scope of another', () => {
    const { program, actions } = programOf([grant('tool:*')]);
    const action = actions.intern(item(METHOD));
    expect(actions.intern(item(METHOD))).toBe(action);
    expect(actions.find(at('/a'))).toBe(action);
    expect(actions.find(item(METHOD, 'write'))).toBe(-1);
    for (const [number, scope] of [
      [-1, METHOD],
      [action + 1, METHOD],
      [action, 'tool:db/method:get'],
      [action, `${METHOD}ter`],
      [action, `${METHOD}/other:x`],
    ] as const) {
      expect(program.decide(number, scope)).toBe(FAST_UNDECIDED);
    }
    expect(() => actions.at(7)).toThrow(RangeError);
    const full = createActions(0);
    expect(full.intern(item(METHOD))).toBe(-1);
  });

  it('takes three bits per action', () => {
    const { program, decide } = programOf([grant('tool:*')]);
    expect(program.bytes()).toBe(12);
    for (let n = 0; n < 40; n += 1) expect(decide(item(`tool:fs/method:m${n}`))).toBe(FAST_ALLOW);
    expect(program.bytes()).toBe(24);
  });
});

describe('an authorizer', () => {
  it('gives capabilities of equal grants one program', () => {
    const authorizer = createAuthorizer(crypto, { programs: 1 });
    const [one, other] = [capabilityOf([grant('tool:fs')]), capabilityOf([grant('tool:fs')])];
    const program = authorizer.programOf(one);
    expect(authorizer.programOf(other)).toBe(program);
    expect(authorizer.programOf(one)).toBe(program);
    expect(authorizer.programOf(capabilityOf([grant('tool:fs')], [grant('tool:fs')]))).not.toBe(program);
    expect(authorizer.programOf(capabilityOf([grant('tool:fs')]))).not.toBe(program);
  });

  it('gives numbers to what is allowed: names that are made up use none up', () => {
    const authorizer = createAuthorizer(crypto, { actions: 2 });
    const capability = capabilityOf([grant('tool:fs')]);
    authorizer.programOf(capability);
    const ask = (scope: string) => authorizer.authorize(capability, [item(scope)], {}).effect;
    for (let n = 0; n < 10; n += 1) expect(ask(`tool:db/method:m${n}`)).toBe('deny');
    expect(authorizer.actions.size()).toBe(0);
    expect(ask(METHOD)).toBe('allow');
    expect([authorizer.actions.size(), authorizer.actions.find(item(METHOD))]).toEqual([1, 0]);
  });

  it('CAP-20 answers word for word what the full path does', () => {
    const authorizer = createAuthorizer(crypto);
    const limited: Grant = { ...grant('tool:db'), where: [{ ptr: '/a', op: 'eq', value: 1 }] };
    const capability = capabilityOf([grant('tool:fs/method:get/resource:/a'), limited]);
    const calls: CheckedItem[][] = [
      [],
      [at('/a')],
      [at('/b')],
      [at('/a'), at('/b')],
      [item('tool:db')],
      [item('tool:db'), at('/a')],
      [item('tool:db'), at('/b')],
    ];
    for (const items of calls) {
      for (const args of [{}, { a: 1 }]) {
        expect(authorizer.authorize(capability, items, args)).toEqual(authorize(capability, items, args));
      }
    }
    for (const one of calls.flat()) authorizer.actions.intern(one);
    expect(
      calls.map((items) => decideItems(authorizer.programOf(capability), authorizer.actions, items)),
    ).toEqual([FAST_UNDECIDED, FAST_ALLOW, FAST_DENY, FAST_DENY, FAST_UNDECIDED, FAST_UNDECIDED, FAST_DENY]);
  });

  it('is quick over the most grants a chain can hold', () => {
    const links = Array.from({ length: 9 }, (_, link) =>
      Array.from({ length: 64 }, (_, n) =>
        grant(`${METHOD}/resource:/d${n}${link % 2 === 0 ? '' : `/${link}`}`),
      ),
    );
    const { decide } = programOf(...links);
    fc.assert(
      fc.property(fc.nat(99), (n) => {
        expect(decide(at(`/d${n}/1/x`))).toBe(FAST_DENY);
      }),
      { numRuns: 20 },
    );
  });
});
